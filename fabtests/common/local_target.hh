/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A target in the process of the test itself, with one region of a file. */
#pragma once

#include "common/initiator.hh"

#include <future>

namespace pmem_test
{

class LocalTarget
{
public:
	static constexpr size_t kLen = 65536;

	explicit LocalTarget(const NodeOptions &options) : node(options) {}

	void add_region()
	{
		mr = node.register_memory(memory.data(), kLen,
					  FI_REMOTE_READ | FI_REMOTE_WRITE,
					  FI_RMA_PMEM);
		region.key = fi_mr_key(mr.get());
		region.base = node.remote_base(memory.data());
		region.len = kLen;
	}

	/* MSG: accepts meanwhile. */
	void connect(Node &initiator, const Address &address)
	{
		std::future<void> accepted;
		if (node.pep)
			accepted = std::async(std::launch::async,
					      [this] { node.accept(); });
		initiator.connect(address);
		if (accepted.valid())
			accepted.get();
	}

	/* Commits other bytes every time; 0 or a positive fi_errno. */
	int commit_from(Initiator &initiator)
	{
		Bytes contents = pattern(++seed, 100);
		Failure failure = try_commit(initiator, region, contents);
		bool there = file.read(0, 100) == contents;
		if (there == (failure.err != 0))
			throw std::runtime_error(
				"a commit and the file differ");
		return failure.err;
	}

	RegionFile file{kLen};
	Mapping memory{file.path(), kLen};
	Node node;
	FidPtr<fid_mr> mr;
	RemoteRegion region;
	unsigned seed = 0;
};

} // namespace pmem_test
