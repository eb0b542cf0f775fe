/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/flusher.hh"

#include <algorithm>
#include <cstring>

namespace ofi_pmem
{

namespace
{

constexpr size_t kMaxFlushes = 64;

/*
 * Returns how many ranges must go so that `count` more fit: none, or half of
 * them at least, so that early flushes are few and what is written again soon
 * is still there.
 */
size_t surplus(const DirtyRanges &table, size_t count) noexcept
{
	if (table.room() >= count)
		return 0;
	size_t least =
		std::max(DirtyRanges::kCapacity / 2, count - table.room());
	return std::min(least, table.size());
}

} // namespace

Posted Flusher::post_flush(PersistentOp *op, const wire::Range *ranges,
			   size_t count, uint16_t flags)
{
	if (!window_->may_post())
		return Posted::no;
	size_t payload = count * sizeof(wire::Range);
	auto message =
		window_->make<wire::Flush>(op ? op->id : 0, flags, payload);
	uint8_t *body = window_->begin(message);
	if (payload)
		std::memcpy(body, ranges, payload);
	Request request(wire::Type::flush, op);
	request.fence = flags & wire::kFence;
	request.drains = flags & wire::kCommit;
	window_->send(request);
	return Posted::yes;
}

/*
 * The early Flush comes before the bytes of `ranges`, so these are added behind
 * it, even if some of them were in the table before.
 */
Posted Flusher::remember(const wire::Range *ranges, size_t count)
{
	const DirtyRanges &known = dirty_->service();
	size_t early = surplus(known, count);
	if (early && post_flush(nullptr, known.data(), early, 0) == Posted::yes)
		dirty_->service_flushes_early(early);
	return Posted{dirty_->add_service(ranges, count)};
}

bool Flusher::remember_nic(const wire::Range *ranges, size_t count)
{
	if (surplus(dirty_->nic(), count))
		flush_early_by_nic();
	bool noted = true;
	for (size_t i = 0; i < count; i++)
		noted = dirty_->add_nic(ranges[i]) && noted;
	return noted;
}

Posted Flusher::drain_service(PersistentOp *op)
{
	const DirtyRanges &known = dirty_->service();
	if (post_flush(op, known.data(), known.size(),
		       wire::kFence | wire::kCommit) == Posted::no)
		return Posted::no;
	dirty_->drained_by_service();
	return Posted::yes;
}

Posted Flusher::leave_to_service()
{
	const DirtyRanges &known = dirty_->nic();
	if (remember(known.data(), known.size()) == Posted::no)
		return Posted::no;
	dirty_->clear_nic();
	return Posted::yes;
}

/*
 * Makes the flushes of a drain from its position on and, behind all of them,
 * one READ if any range needs it. Returns 0 when nothing is left.
 */
size_t Flusher::next_flushes(OneSided *chain, size_t room)
{
	DirtyTracker::DrainPosition &at = dirty_->drain;
	const DirtyRanges &ranges = dirty_->nic();
	FlushList flushes{chain, room};
	while (at.index < ranges.size() && flushes.count < room) {
		wire::Range left = ranges.data()[at.index];
		left.offset += at.offset;
		left.length -= at.offset;
		const RemoteRegion *region = regions_->known(left.token);
		uint64_t before = left.length;
		if (region && !region->settling->flush(
				      *region, OneSided::Kind::flush_persistent,
				      &left, &flushes)) {
			at.offset += before - left.length;
			break;
		}
		if (flushes.read && !at.read) {
			chain[flushes.count++] =
				nic_->read_behind(*flushes.read);
			at.read = true;
		}
		flushes.read = nullptr;
		at.index++;
		at.offset = 0;
	}
	return flushes.count;
}

size_t Flusher::room() const noexcept
{
	return std::min(connection_->transport().traits().max_chain,
			kMaxFlushes);
}

Posted Flusher::drain_nic(PersistentOp *op, const OneSided *tail,
			  size_t tail_count)
{
	OneSided chain[kMaxFlushes];
	const size_t most = room();
	while (true) {
		DirtyTracker::DrainPosition before = dirty_->drain;
		size_t count = next_flushes(chain, most);
		bool last = dirty_->drain.index == dirty_->nic().size() &&
			    count + tail_count <= most;
		if (last) {
			std::copy(tail, tail + tail_count, chain + count);
			count += tail_count;
		}
		int ret = count ? nic_->post(op, chain, count) : 0;
		if (ret == -FI_EAGAIN)
			dirty_->drain = before;
		if (ret)
			return nic_->posted(op, ret);
		if (last)
			break;
	}
	dirty_->clear_nic();
	return Posted::yes;
}

/*
 * Posts the first chain of a drain, and forgets the ranges that are flushed by
 * it from end to end. If it cannot be posted, all are kept.
 */
void Flusher::flush_early_by_nic()
{
	OneSided chain[kMaxFlushes];
	dirty_->restart_drain();
	size_t count = next_flushes(chain, room());
	size_t whole = dirty_->drain.index;
	dirty_->restart_drain();
	if (!whole)
		return;
	int ret = count ? nic_->post(nullptr, chain, count) : 0;
	if (ret)
		static_cast<void>(nic_->posted(nullptr, ret));
	else
		dirty_->nic_flushes_early(whole);
}

/* An early flush comes before all ranges of the operation. */
Posted Flusher::note(PersistentOp *op)
{
	if (!op->writes || op->level == Level::commit)
		return Posted::yes;
	wire::Range by_service[kMaxRmaIov];
	wire::Range by_nic[kMaxRmaIov];
	size_t service_count = 0;
	size_t nic_count = 0;
	for (size_t i = 0; i < op->range_count; i++) {
		Debt debt = op->regions[i]->settling->debt();
		if (debt == Debt::service)
			by_service[service_count++] = op->ranges[i];
		if (debt == Debt::nic)
			by_nic[nic_count++] = op->ranges[i];
	}
	if (remember(by_service, service_count) == Posted::no)
		return Posted::no;
	if (!remember_nic(by_nic, nic_count))
		op->level = Level::commit;
	dirty_->restart_drain();
	return Posted::yes;
}

Posted Flusher::settle(PersistentOp *op)
{
	if (!op->writes || op->level == Level::transmit)
		return Posted::yes;
	wire::Range ranges[kMaxRmaIov];
	size_t count = 0;
	bool unseen = false;
	for (size_t i = 0; i < op->range_count; i++) {
		const Settling &settling = *op->regions[i]->settling;
		if (op->checks_itself() || settling.needs_flush_request())
			ranges[count++] = op->ranges[i];
		if (settling.needs_answer())
			unseen = true;
	}
	if (op->level == Level::commit)
		return count ? post_flush(op, ranges, count, wire::kCommit)
			     : Posted::yes;
	return unseen ? post_flush(op, nullptr, 0, 0) : Posted::yes;
}

bool Flusher::nic_may_flush(const PersistentOp &op) const noexcept
{
	if (op.options.checked || window_->fenced() || window_->flushes() ||
	    dirty_->flushed_early())
		return false;
	if (op.is_flush_of(FlushScope::regions) && op.level != Level::commit)
		return false;
	for (size_t i = 0; i < op.range_count; i++) {
		const wire::Range &range = op.ranges[i];
		if (op.regions[i]->settling->debt() != Debt::nic ||
		    dirty_->service().overlaps(with_neighbors(range)) ||
		    window_->overtaken_by(range, false))
			return false;
	}
	return true;
}

Posted Flusher::flush_selected(PersistentOp *op)
{
	bool by_nic = op->posting.route == Route::one_sided;
	Posted posted = by_nic ? flush_by_nic(op) : flush_by_request(op);
	if (posted == Posted::yes && op->level == Level::commit) {
		for (size_t i = 0; i < op->range_count; i++)
			dirty_->forget(op->ranges[i]);
	}
	return posted;
}

/*
 * Makes the flushes of ranges, and one READ if any needs it. A region gets one
 * FLUSH or READ, which goes behind those of what was written there. Returns 0
 * when there is no room.
 */
size_t Flusher::flush_chain(const PersistentOp &op, OneSided *chain,
			    size_t room) const
{
	FlushList flushes{chain, room};
	for (size_t i = 0; i < op.range_count; i++) {
		wire::Range range = op.ranges[i];
		if (op.is_flush_of(FlushScope::regions))
			range.length = 1;
		if (!op.regions[i]->settling->flush(*op.regions[i],
						    flush_kind(op.level),
						    &range, &flushes))
			return 0;
	}
	if (!flushes.read)
		return flushes.count;
	if (flushes.count == room)
		return 0;
	chain[flushes.count] = nic_->read_behind(*flushes.read);
	return flushes.count + 1;
}

Posted Flusher::flush_by_nic(PersistentOp *op)
{
	if (!op->regions_known())
		return flush_by_request(op);
	OneSided chain[kMaxFlushes];
	size_t count = flush_chain(*op, chain, room());
	if (!count)
		return flush_by_request(op);
	if (op->is_flush_of(FlushScope::regions))
		return drain_nic(op, chain, count);
	return nic_->posted(op, nic_->post(op, chain, count));
}

/*
 * The answer shows that everything before it has arrived. A region is named
 * even if nothing is left to be flushed there: an earlier flush may have
 * failed, and then only the service knows that the region is poisoned.
 */
Posted Flusher::flush_by_request(PersistentOp *op)
{
	if (op->level != Level::commit)
		return post_flush(op, nullptr, 0, 0);
	wire::Range ranges[2 * kMaxRmaIov];
	size_t count = 0;
	for (size_t i = 0; i < op->range_count; i++) {
		const wire::Range &range = op->ranges[i];
		if (op->is_flush_of(FlushScope::ranges)) {
			ranges[count++] = range;
			continue;
		}
		size_t before = count;
		for (const DirtyRanges *dirty :
		     {&dirty_->service(), &dirty_->nic()}) {
			wire::Range bounds = dirty->bounds(range.token);
			if (bounds.length)
				ranges[count++] = bounds;
		}
		if (count == before)
			ranges[count++] = {range.token, 0, 0};
	}
	return post_flush(op, ranges, count, wire::kCommit);
}

} // namespace ofi_pmem
