/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/order.hh"

#include "core/params.hh"
#include "initiator/region_cache.hh"

namespace ofi_pmem
{

Route Order::route(const PersistentOp &op) const noexcept
{
	/* A region that was forgotten may be there all the same: the service
	 * knows. */
	if (op.is(OpKind::verify) || !op.regions_known())
		return Route::request;
	if (op.selects())
		return flusher_->nic_may_flush(op) ? Route::one_sided
						   : Route::request;
	if (is_ordered_by_nic(op))
		return Route::ordered;
	if (op.is(OpKind::atomic) || op.options.fence || op.options.inject ||
	    window_->fenced() || !op.len)
		return Route::request;
	/* For longer writes the NIC spares the target a copy. */
	if (op.writes && op.len <= params().inline_size && !op.nic_settles())
		return Route::request;
	return nic_may_access(op) ? Route::one_sided : Route::request;
}

bool Order::nic_may_access(const PersistentOp &op) const noexcept
{
	for (size_t i = 0; i < op.range_count; i++) {
		const wire::Range &range = op.ranges[i];
		if (!op.regions[i]->info.one_sided ||
		    range.length > traits_.max_transfer ||
		    window_->overtaken_by(range, op.writes))
			return false;
	}
	return true;
}

/*
 * WRITE..., FLUSH, ATOMIC WRITE, FLUSH need no pause (IBA memory placement
 * extensions) if all that the fence stands for is in this send queue.
 */
bool Order::is_ordered_by_nic(const PersistentOp &op) const noexcept
{
	if (!op.is(OpKind::write) || !op.is_drain() || op.options.checked ||
	    op.len != kAtomicWriteBytes || op.range_count != 1)
		return false;
	const RemoteRegion &region = *op.regions[0];
	uint64_t addr = region.info.lower_base + op.ranges[0].offset;
	return region.native_order && addr % kAtomicWriteBytes == 0 &&
	       window_->all_answered() && !dirty_->requested() &&
	       !dirty_->owes_service();
}

/*
 * Nothing passes a fenced operation that the NIC executes. That operation waits
 * for what the NIC has begun, unless a FLUSH of its own comes behind it in the
 * send queue, which completes in order. A flush of regions waits like a fence,
 * because a drain by the NIC has forgotten what was written there.
 */
bool Order::nic_delays(const PersistentOp &op) const noexcept
{
	if (fencing_)
		return fencing_ != &op;
	if (!nic_->settles())
		return false;
	/*
	 * It would read bytes that a FLUSH under way has not made durable yet.
	 */
	if (op.is(OpKind::verify) || op.checks_earlier())
		return true;
	bool request = op.posting.route == Route::request;
	if (nic_->is_spoiled_by(op) ||
	    (request && op.is_flush_of(FlushScope::regions)))
		return true;
	if (!op.options.fence || op.posting.route == Route::ordered)
		return false;
	return !op.is_drain() || (!dirty_->owes_nic() && !op.unfinished);
}

} // namespace ofi_pmem
