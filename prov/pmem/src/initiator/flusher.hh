/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Posts the flushes and drains of one connection. The NIC flushes what it
 * wrote, if the method of the region allows it; the service flushes the rest.
 */
#pragma once

#include "initiator/dirty_tracker.hh"
#include "initiator/nic_queue.hh"
#include "initiator/region_cache.hh"
#include "initiator/request_window.hh"
#include "transport/link.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class Flusher
{
public:
	Flusher(Connection *connection, RequestWindow *window, NicQueue *nic,
		DirtyTracker *dirty, const RegionCache *regions) noexcept
		: connection_(connection), window_(window), nic_(nic),
		  dirty_(dirty), regions_(regions)
	{
	}

	/*
	 * Posts a Flush request for these ranges. `op`, which may be null,
	 * waits for its answer, which also shows that everything posted before
	 * has arrived.
	 */
	[[nodiscard]] Posted post_flush(PersistentOp *op,
					const wire::Range *ranges, size_t count,
					uint16_t flags);

	/*
	 * Notes ranges that the service must flush later. If there is no room,
	 * the oldest of those noted before are flushed early: by a request of
	 * our own, without a drain, which the next drain covers.
	 */
	[[nodiscard]] Posted remember(const wire::Range *ranges, size_t count);

	/*
	 * Posts the operations that make everything durable that the NIC wrote
	 * before, and `tail` behind them. `op`, which may be null, waits for
	 * their completion.
	 */
	[[nodiscard]] Posted drain_nic(PersistentOp *op,
				       const OneSided *tail = nullptr,
				       size_t tail_count = 0);

	/* Asks the service to flush the ranges noted for it, and to drain. */
	[[nodiscard]] Posted drain_service(PersistentOp *op);

	/* Leaves the ranges that the NIC should have flushed to the service. */
	[[nodiscard]] Posted leave_to_service();

	/* Posts a flush of ranges or regions on the route of the operation. */
	[[nodiscard]] Posted flush_selected(PersistentOp *op);

	/*
	 * Notes what a later drain must flush for a one-sided write that does
	 * not commit. If there is no room, the write commits.
	 */
	[[nodiscard]] Posted note(PersistentOp *op);

	/* Asks the service to do what the NIC does not do to settle a one-sided
	 * write. */
	[[nodiscard]] Posted settle(PersistentOp *op);

	/*
	 * The NIC may flush these ranges or regions: only the NIC wrote there.
	 * A FLUSH does not reach what the service stored and has not written
	 * back.
	 */
	bool nic_may_flush(const PersistentOp &op) const noexcept;

private:
	/* The same for the NIC; false if there is no room, nor will be soon. */
	[[nodiscard]] bool remember_nic(const wire::Range *ranges,
					size_t count);
	void flush_early_by_nic();
	[[nodiscard]] Posted flush_by_nic(PersistentOp *op);
	[[nodiscard]] Posted flush_by_request(PersistentOp *op);
	[[nodiscard]] size_t next_flushes(OneSided *chain, size_t room);
	[[nodiscard]] size_t flush_chain(const PersistentOp &op,
					 OneSided *chain, size_t room) const;
	size_t room() const noexcept;

	Connection *connection_;
	RequestWindow *window_;
	NicQueue *nic_;
	DirtyTracker *dirty_;
	const RegionCache *regions_;
};

} // namespace ofi_pmem
