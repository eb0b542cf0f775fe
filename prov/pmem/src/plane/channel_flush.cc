/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a channel does about writes that did not commit: it remembers where they
 * went, and has these ranges flushed when a fenced commit, a drain or a flush
 * asks for it, by the NIC or by the service.
 */
#include <algorithm>

#include "plane/channel.hh"
#include "plane/initiator.hh"

namespace ofi_pmem
{

namespace
{

/*
 * Shorter than 4 GiB and never 0 bytes: Soft-RoCE takes a 32-bit length, and
 * acknowledges a FLUSH of 4 GiB without flushing anything.
 */
constexpr uint64_t kMaxFlush = 1ULL << 31;

constexpr size_t kMaxFlushes = 64;

} // namespace

bool Channel::remember_dirty(const wire::Range *ranges, size_t count)
{
	auto add_all = [&] {
		return std::all_of(
			ranges, ranges + count,
			[&](const auto &range) { return dirty_.add(range); });
	};
	if (add_all())
		return true;
	/* Too many regions at once: have the service flush what is known. The
	 * drain of a later commit covers what was flushed here. That comes
	 * before the bytes of `ranges`, so all of these are added anew. */
	if (!post_flush(nullptr, dirty_.data(), dirty_.size(), 0))
		return false;
	dirty_.clear();
	spilled_ = true;
	return add_all();
}

/* By the NIC what it wrote, by the service the rest. */
bool Channel::post_drain(PersistentOp *op)
{
	if (!post_nic_drain(op))
		return false;
	bool by_service = !dirty_.empty() || spilled_;
	/* It knows of requests that failed; and somebody must answer. */
	if (!op->len && (requested_ || !op->unfinished))
		by_service = true;
	if (!by_service) {
		if (!op->len)
			fencing_ = op;
		return true;
	}
	return post_service_drain(op);
}

bool Channel::post_service_drain(PersistentOp *op)
{
	if (!post_flush(op, dirty_.data(), dirty_.size(),
			wire::kFence | wire::kCommit))
		return false;
	dirty_.clear();
	spilled_ = false;
	return true;
}

/* What is to be read back behind its flush. */
bool Channel::leave_to_service()
{
	if (!remember_dirty(nic_dirty_.data(), nic_dirty_.size()))
		return false;
	nic_dirty_.clear();
	drain_ = {};
	return true;
}

/*
 * The FLUSHes of a drain from where it has come to, and behind all of them one
 * READ if any range needs it; 0 when nothing is left.
 */
size_t Channel::next_flushes(OneSided *chain, size_t room)
{
	size_t count = 0;
	while (drain_.index < nic_dirty_.size() && count < room) {
		const wire::Range &range = nic_dirty_.data()[drain_.index];
		const RemoteRegion *region = known_region(range.token);
		uint64_t left = range.length - drain_.offset;
		if (region && region->method == Method::native && left) {
			uint64_t part = std::min(left, kMaxFlush);
			chain[count++] = region->operation(
				OneSided::Kind::flush_persistent,
				range.offset + drain_.offset, part);
			drain_.offset += part;
			if (part < left)
				continue;
		} else if (region && region->method == Method::read &&
			   !drain_.read) {
			chain[count++] = read_behind(*region);
			drain_.read = true;
		}
		drain_.index++;
		drain_.offset = 0;
	}
	return count;
}

size_t Channel::flush_room() const noexcept
{
	return std::min(initiator_->transport().traits().max_chain,
			kMaxFlushes);
}

bool Channel::post_nic_drain(PersistentOp *op, const OneSided *tail,
			     size_t tail_count)
{
	size_t room = flush_room();
	OneSided chain[kMaxFlushes];
	while (true) {
		DrainPosition before = drain_;
		size_t count = next_flushes(chain, room);
		bool last = drain_.index == nic_dirty_.size() &&
			    count + tail_count <= room;
		if (last) {
			std::copy(tail, tail + tail_count, chain + count);
			count += tail_count;
		}
		int ret = count ? post_chain(op, chain, count, -1) : 0;
		if (ret == -FI_EAGAIN) {
			drain_ = before;
			return false;
		}
		if (ret) {
			not_posted(op, ret);
			return true;
		}
		if (last)
			break;
	}
	nic_dirty_.clear();
	drain_ = {};
	return true;
}

bool Channel::service_flushes() const noexcept
{
	for (uint64_t s = answered_ + 1; s < next_sequence_; s++) {
		if (requests_[s % wire::kMaxCredits].type == wire::Type::flush)
			return true;
	}
	return spilled_;
}

/*
 * By the NIC what only the NIC wrote: a FLUSH does not reach what the service
 * stored and has not written back.
 */
Route Channel::choose_flush_route(const PersistentOp &op) const noexcept
{
	const TransportTraits &traits = initiator_->transport().traits();
	if (op.checked || fences_ || service_flushes())
		return Route::request;
	if (op.flush == FlushScope::regions && op.level != Level::commit)
		return Route::request;
	for (size_t i = 0; i < op.range_count; i++) {
		const wire::Range &range = op.ranges[i];
		Method method = method_of(range);
		bool nic = method == Method::native ||
			   (method == Method::read && !traits.visible_writes);
		if (!nic || dirty_.overlaps(with_neighbors(range)) ||
		    overtakes_request(range, false))
			return Route::request;
	}
	return Route::one_sided;
}

bool Channel::post_selected_flush(PersistentOp *op)
{
	if (op->route == Route::one_sided ? !post_flush_by_nic(op)
					  : !post_flush_by_request(op))
		return false;
	if (op->level == Level::commit) {
		for (size_t i = 0; i < op->range_count; i++)
			forget_dirty(op->ranges[i]);
	}
	return true;
}

/*
 * The FLUSHes of ranges, and one READ if any needs it. Of regions one FLUSH or
 * READ, to come behind those of what was written there. 0 when there is no
 * room.
 */
size_t Channel::flush_chain(const PersistentOp &op, OneSided *chain,
			    size_t room) const
{
	auto kind = op.level == Level::commit ? OneSided::Kind::flush_persistent
					      : OneSided::Kind::flush_visible;
	size_t count = 0;
	const RemoteRegion *read = nullptr;
	for (size_t i = 0; i < op.range_count; i++) {
		wire::Range range = op.ranges[i];
		const RemoteRegion *region = known_region(range.token);
		if (region->method == Method::read) {
			read = region;
			continue;
		}
		if (op.flush == FlushScope::regions)
			range.length = 1;
		for (uint64_t done = 0; done < range.length;) {
			if (count == room)
				return 0;
			uint64_t part =
				std::min(range.length - done, kMaxFlush);
			chain[count++] = region->operation(
				kind, range.offset + done, part);
			done += part;
		}
	}
	if (read && count == room)
		return 0;
	if (read)
		chain[count++] = read_behind(*read);
	return count;
}

bool Channel::post_flush_by_nic(PersistentOp *op)
{
	for (size_t i = 0; i < op->range_count; i++) {
		if (known_region(op->ranges[i].token))
			continue;
		/* A region was closed since the operation was accepted. */
		op->fail({FI_ENOKEY, Cause::unknown_key});
		return true;
	}
	OneSided chain[kMaxFlushes];
	size_t count = flush_chain(*op, chain, flush_room());
	if (!count)
		return post_flush_by_request(op);
	if (op->flush == FlushScope::regions)
		return post_nic_drain(op, chain, count);
	int ret = post_chain(op, chain, count, -1);
	if (ret == -FI_EAGAIN)
		return false;
	if (ret)
		not_posted(op, ret);
	return true;
}

/*
 * The answer shows that all before it has arrived. A region is named even if
 * nothing is left to be flushed there: what was, an earlier flush may have
 * failed to, and then only the service knows that the region is poisoned.
 */
bool Channel::post_flush_by_request(PersistentOp *op)
{
	if (op->level != Level::commit)
		return post_flush(op, nullptr, 0, 0);
	wire::Range ranges[2 * kMaxRmaIov];
	size_t count = 0;
	for (size_t i = 0; i < op->range_count; i++) {
		const wire::Range &range = op->ranges[i];
		if (op->flush == FlushScope::ranges) {
			ranges[count++] = range;
			continue;
		}
		size_t before = count;
		for (const DirtyRanges *dirty : {&dirty_, &nic_dirty_}) {
			wire::Range bounds = dirty->bounds(range.token);
			if (bounds.length)
				ranges[count++] = bounds;
		}
		if (count == before)
			ranges[count++] = {range.token, 0, 0};
	}
	return post_flush(op, ranges, count, wire::kCommit);
}

void Channel::forget_dirty(const wire::Range &range) noexcept
{
	dirty_.remove(range);
	nic_dirty_.remove(range);
	drain_ = {};
}

bool Channel::clean() const noexcept
{
	return state_ != State::ready ||
	       (idle() && dirty_.empty() && !spilled_ && nic_dirty_.empty() &&
		!failed_);
}

bool Channel::drained()
{
	if (clean())
		return true;
	if (!idle())
		return false;
	if (!nic_dirty_.empty() && !post_nic_drain(nullptr))
		return false;
	if (!dirty_.empty() || spilled_ || failed_)
		static_cast<void>(post_service_drain(nullptr));
	return false;
}

} // namespace ofi_pmem
