/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence plane's part of a completion queue: the completions of its
 * own operations, the operations that it posted on inner objects, the work that
 * it leaves to the queue's readers, and what wakes these.
 */
#pragma once

#include "bridge/cq_ring.hh"
#include "bridge/deferred.hh"
#include "bridge/wait_fd.hh"
#include "core/lock.hh"
#include "core/progress.hh"

#include <rdma/fi_eq.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace ofi_pmem
{

/* Any thread may call it, except where a comment says otherwise. */
class PlaneQueue
{
public:
	explicit PlaneQueue(size_t ring_size) : ring(ring_size) {}

	/*
	 * Called when an endpoint with a persistence plane is bound; without
	 * one the queue needs no places. Throws std::bad_alloc.
	 */
	void make_places();

	/*
	 * Reserves a place for the completion of an operation about to be
	 * accepted, or returns -FI_EAGAIN if the application must read first.
	 * push() or push_error(), which never fail, use the place, or
	 * unreserve() gives it back.
	 */
	[[nodiscard]] int reserve() noexcept { return ring.reserve(); }
	void unreserve() noexcept { ring.unreserve(); }
	void push(const fi_cq_tagged_entry &entry, fi_addr_t source) noexcept;
	void push_error(const fi_cq_err_entry &entry) noexcept;

	/*
	 * The completion or error whose op_context is `op` belongs to us: it
	 * goes to op->inner_completed(), once, and not to the application.
	 * Called before the operation is posted, while a place is reserved for
	 * the operation it serves (so there is room here, too). The caller
	 * calls forget() if posting failed.
	 */
	void expect(InternalOp *op) noexcept;
	void forget(InternalOp *op) noexcept;

	/*
	 * Keeps an expected operation whose owner goes away: its completion
	 * may still come, and no other context may get its address. Throws
	 * std::bad_alloc.
	 */
	void adopt(std::unique_ptr<InternalOp> op);

	/* Some operation is expected. */
	bool expects() const noexcept { return expected_count_ != 0; }

	/*
	 * Returns true if the completion was an expected one. The lock is held
	 * throughout, so that adopt() returns only when nobody uses the
	 * operation's owner.
	 */
	[[nodiscard]] bool complete_expected(void *op_context, int err,
					     int prov_errno) noexcept;

	/* The threads that read this queue do this work. */
	DeferredList &deferred() noexcept { return deferred_; }
	void announce_deferred() noexcept;

	/* Makes a thread that waits for the queue return, if its wait object
	 * is ours. */
	void wake_reader() noexcept;
	/* wake_reader() was called since the last call. */
	bool take_signal() noexcept { return signaled_.exchange(false); }

	/* Threads that read the queue use these. */
	CompletionRing ring;
	WaitFd wait;

private:
	void wake() noexcept
	{
		if (wait.is_open())
			wait.wake();
	}
	InternalOp *take_expected(void *op_context) noexcept
		PMEM_REQUIRES(expected_lock_);

	std::atomic<bool> signaled_{false};
	Mutex expected_lock_{lock_rank::kExpected};
	std::vector<InternalOp *> expected_ PMEM_GUARDED_BY(expected_lock_);
	std::atomic<size_t> expected_count_{0};
	std::vector<std::unique_ptr<InternalOp>>
		adopted_ PMEM_GUARDED_BY(expected_lock_);
	DeferredList deferred_;
};

} // namespace ofi_pmem
