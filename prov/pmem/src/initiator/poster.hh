/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Posts the operations of one connection, which become requests and one-sided
 * operations, as credits and buffers allow. An operation may be posted in
 * several attempts; its Posting says how far it has come.
 */
#pragma once

#include "initiator/connection.hh"
#include "initiator/dirty_tracker.hh"
#include "initiator/flusher.hh"
#include "initiator/nic_queue.hh"
#include "initiator/op.hh"
#include "initiator/order.hh"
#include "initiator/plan.hh"
#include "initiator/request_window.hh"
#include "initiator/verification.hh"

#include <utility>

namespace ofi_pmem
{

/* Posting needs these parts of a connection. */
struct PostingParts {
	Connection *connection;
	RequestWindow *window;
	NicQueue *nic;
	DirtyTracker *dirty;
	Flusher *flusher;
	Verification *verification;
	Order *order;
};

class Poster
{
public:
	explicit Poster(const PostingParts &parts) noexcept : parts_(parts) {}

	/*
	 * Returns true if all of the inject can be sent at once, because its
	 * buffer belongs to the caller again after the call. If the inject must
	 * wait for a drain by the NIC, that drain is begun.
	 */
	[[nodiscard]] bool takes_inject(PersistentOp *op);

	/*
	 * Posts the operation, or as much of it as is possible now. A write
	 * that can no longer be posted fails and is lost (take_lost()).
	 */
	[[nodiscard]] Posted post(PersistentOp *op);

	/* Returns whether writes were lost since the last call. */
	bool take_lost() noexcept { return std::exchange(lost_, false); }

private:
	[[nodiscard]] Posted post_next(PersistentOp *op);
	void start(PersistentOp *op);
	[[nodiscard]] Posted post_body(PersistentOp *op);
	[[nodiscard]] Posted post_preamble(PersistentOp *op);
	[[nodiscard]] Posted post_drain(PersistentOp *op);
	[[nodiscard]] Posted post_ordered(PersistentOp *op);
	[[nodiscard]] Posted post_atomically(PersistentOp *op);
	[[nodiscard]] Posted post_requests(PersistentOp *op);
	[[nodiscard]] Posted post_part(PersistentOp *op,
				       const wire::Range &part, bool last);
	[[nodiscard]] Posted post_one_sided(PersistentOp *op);
	[[nodiscard]] Posted post_plan(PersistentOp *op, const Plan &plan);
	[[nodiscard]] Posted give_up(PersistentOp *op, const Failure &failure);

	const PostingParts parts_;
	bool lost_ = false;
};

} // namespace ofi_pmem
