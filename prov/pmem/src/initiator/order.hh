/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Decides which way an operation travels, and whether it must wait for earlier
 * ones. It only looks at what is outstanding, and changes nothing.
 *
 * An operation is a request if only the service can execute it. The CPU at the
 * target executes requests later than the NIC executes one-sided operations, so
 * an operation that touches the bytes of an unanswered request, or that follows
 * a fence that is not done, is a request behind it.
 */
#pragma once

#include "initiator/dirty_tracker.hh"
#include "initiator/flusher.hh"
#include "initiator/nic_queue.hh"
#include "initiator/op.hh"
#include "initiator/request_window.hh"

#include <cstddef>

namespace ofi_pmem
{

class Order
{
public:
	Order(const TransportTraits &traits, const RequestWindow *window,
	      const NicQueue *nic, const DirtyTracker *dirty,
	      const Flusher *flusher) noexcept
		: traits_(traits), window_(window), nic_(nic), dirty_(dirty),
		  flusher_(flusher)
	{
	}

	Route route(const PersistentOp &op) const noexcept;

	/* Returns true if the operation, whose route is chosen, must wait. */
	bool delays(const PersistentOp &op) const noexcept
	{
		return nic_delays(op) || nic_->delays(op);
	}

	/* Notes that a fenced operation that the NIC executes is posted;
	 * nothing may pass it until it is done. */
	void fence(const PersistentOp *op) noexcept { fencing_ = op; }
	void done(const PersistentOp *op) noexcept
	{
		if (fencing_ == op)
			fencing_ = nullptr;
	}

private:
	bool is_ordered_by_nic(const PersistentOp &op) const noexcept;
	bool nic_may_access(const PersistentOp &op) const noexcept;
	bool nic_delays(const PersistentOp &op) const noexcept;

	const TransportTraits &traits_;
	const RequestWindow *window_;
	const NicQueue *nic_;
	const DirtyTracker *dirty_;
	const Flusher *flusher_;
	const PersistentOp *fencing_ = nullptr;
};

} // namespace ofi_pmem
