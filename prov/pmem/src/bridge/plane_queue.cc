/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/plane_queue.hh"

#include <algorithm>

namespace ofi_pmem
{

void PlaneQueue::make_places()
{
	ring.make_places();
	MutexLock guard(expected_lock_);
	expected_.reserve(ring.capacity());
}

void PlaneQueue::push(const fi_cq_tagged_entry &entry,
		      fi_addr_t source) noexcept
{
	ring.push(entry, source);
	wake();
}

void PlaneQueue::push_error(const fi_cq_err_entry &entry) noexcept
{
	ring.push_error(entry);
	wake();
}

void PlaneQueue::expect(InternalOp *op) noexcept
{
	MutexLock guard(expected_lock_);
	/* The capacity suffices, as each has a reserved place. */
	expected_.push_back(op);
	++expected_count_;
}

void PlaneQueue::forget(InternalOp *op) noexcept
{
	MutexLock guard(expected_lock_);
	static_cast<void>(take_expected(op));
}

void PlaneQueue::adopt(std::unique_ptr<InternalOp> op)
{
	MutexLock guard(expected_lock_);
	adopted_.push_back(std::move(op));
}

/* Returns the operation at the address `op_context`, or null. */
InternalOp *PlaneQueue::take_expected(void *op_context) noexcept
{
	auto found =
		std::find_if(expected_.begin(), expected_.end(),
			     [&](InternalOp *op) { return op == op_context; });
	if (found == expected_.end())
		return nullptr;
	auto op = *found;
	*found = expected_.back();
	expected_.pop_back();
	--expected_count_;
	return op;
}

bool PlaneQueue::complete_expected(void *op_context, int err,
				   int prov_errno) noexcept
{
	MutexLock guard(expected_lock_);
	InternalOp *op = take_expected(op_context);
	if (op)
		op->inner_completed(err, prov_errno);
	return op != nullptr;
}

void PlaneQueue::announce_deferred() noexcept
{
	deferred_.announce();
	wake();
}

void PlaneQueue::wake_reader() noexcept
{
	if (!wait.is_open())
		return;
	signaled_ = true;
	wait.wake();
}

} // namespace ofi_pmem
