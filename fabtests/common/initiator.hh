/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The initiator's side: RMA calls with the retries that libfabric asks for.
 */
#pragma once

#include "common/node.hh"
#include "common/target.hh"

#include <rdma/fi_ext_pmem.h>

namespace pmem_test
{

inline constexpr uint64_t kFencedCommit = FI_FENCE | FI_COMMIT_COMPLETE;

/* One thread at a time may use it. */
class Initiator
{
public:
	explicit Initiator(const NodeOptions &options) : node_(options) {}
	explicit Initiator(Stack stack);

	/*
	 * Repeats `call` while it returns -FI_EAGAIN, driving progress; what
	 * it returned at last.
	 */
	template <typename Call> ssize_t post(Call &&call)
	{
		Deadline deadline;
		ssize_t ret;
		while ((ret = call()) == -FI_EAGAIN) {
			completions().poll();
			deadline.spin("-FI_EAGAIN without end");
		}
		return ret;
	}

	/* Calls fi_writemsg() for one range, with any `flags`. */
	ssize_t write(const RemoteRegion &region, uint64_t offset,
		      const LocalBuffer &from, uint64_t from_offset, size_t len,
		      uint64_t flags, void *context);

	/* A range that is all of `from`. */
	ssize_t write(const RemoteRegion &region, uint64_t offset,
		      const LocalBuffer &from, uint64_t flags, void *context)
	{
		return write(region, offset, from, 0, from.size(), flags,
			     context);
	}

	/* A fenced commit of 0 bytes: everything before becomes durable. */
	ssize_t drain(const RemoteRegion &region, void *context);

	/* The functions of rdma/fi_ext_pmem.h; throws where there are none. */
	fi_ops_pmem_ep *ops();

	/* Persistent, of these bytes or of all the region. */
	ssize_t flush(const RemoteRegion &region, uint64_t offset, size_t len,
		      fi_pmem_selectivity selectivity, void *context);

	/* Drains at every peer. */
	ssize_t drain_all(void *context);

	/* fi_read() into all of `into`. */
	ssize_t read(const RemoteRegion &region, uint64_t offset,
		     const LocalBuffer &into, void *context);

	/* Throws unless the next completion is a success of `context`. */
	Completion expect_success(const void *context);

	/* The same for a posted call's result. */
	Completion expect_success(ssize_t posted, const void *context);

	/* Writes with `flags`; returns after the completion. */
	void write_and_wait(const RemoteRegion &region, uint64_t offset,
			    Bytes contents, uint64_t flags);
	void drain_and_wait(const RemoteRegion &region);
	Bytes read_and_wait(const RemoteRegion &region, uint64_t offset,
			    size_t len);

	/*
	 * Awaits the completion that `target` was asked for; returns flags and
	 * data.
	 */
	TargetReply await_arrival(Target &target);

	Node &node() { return node_; }
	const Node &node() const { return node_; }
	fid_ep *ep() { return node_.ep(); }
	fi_addr_t peer() const { return node_.peer; }
	CompletionQueue &completions() { return *node_.completions; }

private:
	Node node_;
};

/*
 * The error of one operation, whether the call or the completion returned it.
 */
struct Failure {
	int err = 0; /* positive fi_errno; 0: the operation succeeded */
	bool at_call = false;
	Completion completion;
};

/* Awaits the outcome of an operation whose call returned `posted`. */
Failure outcome(Initiator &initiator, ssize_t posted, const void *context);

/*
 * Returns the outcome of one commit of these bytes to the start of the region.
 */
Failure try_commit(Initiator &initiator, const RemoteRegion &region,
		   const Bytes &contents);

} // namespace pmem_test
