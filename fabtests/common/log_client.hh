/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Gives the log library what it needs from an initiator: an endpoint with a
 * queue of its own, and a log that fills a target's region.
 */
#pragma once

#include "common/initiator.hh"

#include <ofi_pmem/log.hh>

namespace pmem_test
{

class LogClient
{
public:
	LogClient(Stack stack, Target &target, const RemoteRegion &region)
		: initiator_(options(stack)), region_(region)
	{
		target.connect(initiator_.node());
	}

	ofi_pmem_log::Path path()
	{
		Node &node = initiator_.node();
		return {node.info.get(), node.domain.get(), node.ep(),
			node.cq.get()};
	}

	ofi_pmem_log::Place place() const
	{
		return {region_.base, region_.len, region_.key,
			initiator_.peer()};
	}

	/* Then nothing is in flight into a writer's buffers. */
	void close() { initiator_.node().eps.clear(); }

	Initiator &initiator() { return initiator_; }

private:
	static NodeOptions options(Stack stack)
	{
		NodeOptions options;
		options.stack = stack;
		options.tx_bind_flags = FI_SELECTIVE_COMPLETION;
		return options;
	}

	Initiator initiator_;
	RemoteRegion region_;
};

} // namespace pmem_test
