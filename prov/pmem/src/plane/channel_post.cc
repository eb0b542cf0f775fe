/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The sending half of a channel: operations become requests and one-sided
 * inner operations, in order, as credits and buffers allow.
 */
#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "core/log.hh"
#include "core/params.hh"
#include "plane/channel.hh"
#include "plane/channel_table.hh"
#include "plane/initiator.hh"

namespace ofi_pmem
{

namespace
{

static_assert(kMaxRmaIov <= wire::kMaxAnnouncedRanges);

bool share_lines(const PersistentOp &a, const PersistentOp &b) noexcept
{
	for (size_t i = 0; i < a.range_count; i++) {
		wire::Range wide = with_neighbors(a.ranges[i]);
		for (size_t j = 0; j < b.range_count; j++) {
			if (overlap(wide, b.ranges[j]))
				return true;
		}
	}
	return false;
}

} // namespace

int Channel::submit(PersistentOp *op)
{
	/* An inject's buffer is gone after the call: all of it must be sent.
	 * At most a flush of earlier writes, a spill of the dirty ranges, an
	 * announcement and one request for each range. */
	size_t needed = 3 + op->range_count;
	if (op->inject) {
		if (!queue_.empty())
			return -FI_EAGAIN;
		/* What start() does besides cannot be undone. */
		op->route = choose_route(*op);
		if (must_wait(*op) || waits_for_nic(*op) ||
		    link_->free_sends() < needed ||
		    credits_ - (next_sequence_ - 1 - answered_) < needed)
			return -FI_EAGAIN;
	}
	queue_.push_back(op);
	post_queue();
	if (!queue_.empty() || link_->has_waiting())
		initiator_->attend(this);
	return 0;
}

/* The requests of what is posted at once travel together. */
void Channel::post_queue()
{
	bool more = false;
	link_->hold();
	while (!queue_.empty() && !broken_) {
		PersistentOp *op = queue_.front();
		more = false;
		if (!post(op))
			break;
		queue_.pop_front();
		more = op->more;
		op->fully_posted = true;
		settle_op(op);
	}
	if (!more)
		broken(link_->release());
}

/*
 * An inject behind a drain of the NIC would be posted only when that is done:
 * it is begun, and the inject tried again.
 */
bool Channel::waits_for_nic(const PersistentOp &op)
{
	if (!op.is_drain() || op.route == Route::ordered)
		return false;
	if (!nic_dirty_.empty())
		static_cast<void>(post_nic_drain(nullptr));
	return nic_chains_ != 0;
}

void Channel::start(PersistentOp *op)
{
	if (op->started)
		return;
	op->started = true;
	note_expected(op);
	op->route = choose_route(*op);
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA, "op %" PRIu64 " post %s len %zu",
			   op->id,
			   op->route == Route::request ? "by request"
						       : "one-sided",
			   op->len);
}

bool Channel::post(PersistentOp *op)
{
	start(op);
	if (must_wait(*op) || !post_announcement(op))
		return false;
	if (op->verifies)
		return post_verify(op);
	if (!op->body_posted && !post_body(op))
		return false;
	op->body_posted = true;
	return post_comparison(op, op->expected.size());
}

bool Channel::post_body(PersistentOp *op)
{
	if (op->route == Route::ordered)
		return post_ordered(op);
	if (op->selects())
		return post_selected_flush(op);
	/* So that nothing which is wrong is ever pointed to. */
	if (!post_preamble(op) || !post_comparison(op, op->earlier_blocks))
		return false;
	/* Posted operations may pass a FLUSH, so it must be done before. */
	if (op->is_drain() && op->len && op->unfinished)
		return false;
	if (op->atomic)
		return post_atomic(op);
	return op->route == Route::request ? post_by_request(op)
					   : post_one_sided(op);
}

/*
 * Of more the NIC spares the target a copy. Where the target's CPU places all
 * the same, a copy takes less time than a message of its own (fi_pmem bench
 * over tcp).
 */
size_t Channel::inline_size() const noexcept
{
	constexpr size_t kPlacedByNic = 4096;
	bool by_cpu = initiator_->transport().traits().cpu_placed;
	return params().inline_size.value_or(by_cpu ? kMaxInlineSize
						    : kPlacedByNic);
}

/*
 * By request: what only the service can do. The CPU at the target executes
 * requests later than the NIC executes one-sided operations, so what touches
 * the bytes of an unanswered request, or follows a fence that is not done, goes
 * as a request behind it.
 */
Route Channel::choose_route(const PersistentOp &op) const noexcept
{
	if (op.verifies)
		return Route::request;
	if (op.selects())
		return choose_flush_route(op);
	if (orders_natively(op))
		return Route::ordered;
	if (op.atomic || op.fence || op.inject || fences_ || !op.len)
		return Route::request;
	if (op.write && op.len <= inline_size() && !by_nic(op))
		return Route::request;
	for (size_t i = 0; i < op.range_count; i++) {
		if (!one_sided_allowed(op.ranges[i], op.write))
			return Route::request;
	}
	return Route::one_sided;
}

bool Channel::one_sided_allowed(const wire::Range &range,
				bool write) const noexcept
{
	const RemoteRegion *region = known_region(range.token);
	return region && region->info.one_sided &&
	       range.length <= initiator_->transport().traits().max_transfer &&
	       !overtakes_request(range, write);
}

bool Channel::overtakes_request(const wire::Range &range,
				bool write) const noexcept
{
	wire::Range wide = with_neighbors(range);
	for (uint64_t s = answered_ + 1; s < next_sequence_; s++) {
		if (touches(requests_[s % wire::kMaxCredits], wide, write))
			return true;
	}
	return false;
}

/* Whether a one-sided operation must not overtake the request. */
bool Channel::touches(const Request &earlier, const wire::Range &range,
		      bool write) noexcept
{
	switch (earlier.type) {
	case wire::Type::read:
		return write && overlap(earlier.range, range);
	case wire::Type::write:
		return overlap(earlier.range, range);
	case wire::Type::verify:
		if (!write)
			return false;
		if (earlier.compares)
			return touches_expected(earlier, range);
		[[fallthrough]];
	case wire::Type::atomic:
		return std::any_of(earlier.op->ranges,
				   earlier.op->ranges + earlier.op->range_count,
				   [&](const wire::Range &one) {
					   return overlap(one, range);
				   });
	default:
		return false;
	}
}

/*
 * A request passes the FLUSH before it. What the CPU then stores goes into its
 * cache, together with what the NIC had written to that line: the FLUSH reaches
 * neither, but says that the latter is durable.
 */
bool Channel::spoils_flush(const PersistentOp &op) const noexcept
{
	if (op.route != Route::request || !op.write || op.selects())
		return false;
	for (const Chain &chain : chains_) {
		const PersistentOp *earlier = chain.op;
		if (!chain.posted || !chain.nic || earlier == &op)
			continue;
		/* A drain has forgotten of which ranges it is. */
		if (!earlier || earlier->is_drain() || earlier->selects())
			return true;
		if (earlier->level == Level::commit &&
		    share_lines(*earlier, op))
			return true;
	}
	return false;
}

/*
 * Nothing passes a fenced operation that the NIC executes, and that one waits
 * for what the NIC has begun; unless a FLUSH of its own comes behind it in the
 * send queue, which completes in order. As a fence of its regions, so does a
 * flush of what was written there, for a drain of the NIC's has forgotten that.
 */
bool Channel::must_wait_for_nic(const PersistentOp &op) const noexcept
{
	if (fencing_)
		return fencing_ != &op;
	/* Which would read what a FLUSH under way has not made durable. */
	if (op.verifies || op.checks_earlier())
		return nic_chains_;
	if (nic_chains_ && spoils_flush(op))
		return true;
	if (op.flush == FlushScope::regions && op.route == Route::request)
		return nic_chains_;
	if (!op.fence || op.route == Route::ordered)
		return false;
	bool flushes_behind =
		op.is_drain() && (!nic_dirty_.empty() || op.unfinished);
	return !flushes_behind && nic_chains_;
}

/*
 * A one-sided read is answered from the region's memory while requests behind
 * it are executed already: what writes the same bytes, or is fenced, waits.
 */
bool Channel::must_wait(const PersistentOp &op) const noexcept
{
	if (must_wait_for_nic(op))
		return true;
	if (!chains_in_flight_ || !(op.write || op.fence))
		return false;
	for (const Chain &chain : chains_) {
		const PersistentOp *earlier = chain.op;
		if (!chain.posted || !earlier || earlier->write)
			continue;
		if (op.fence && earlier != &op)
			return true;
		for (size_t i = 0; i < earlier->range_count; i++) {
			for (size_t j = 0; j < op.range_count; j++) {
				if (overlap(earlier->ranges[i], op.ranges[j]))
					return true;
			}
		}
	}
	return false;
}

/* What a fenced commit sends before its own data: the earlier writes' flush. */
bool Channel::post_preamble(PersistentOp *op)
{
	if (op->preamble_posted)
		return true;
	if (op->is_drain()) {
		if (op->checked && !leave_to_service())
			return false;
		if (!post_drain(op))
			return false;
	} else if (!op->len) {
		/* 0 bytes: nothing but its place in the order. */
		uint16_t flags = op->fence ? wire::kFence : 0;
		if (!post_flush(op, nullptr, 0, flags))
			return false;
	}
	op->preamble_posted = true;
	return true;
}

/* Lets the target tell the length of a write with remote CQ data. */
bool Channel::post_announcement(PersistentOp *op)
{
	if (!op->notify || op->announced || !op->len)
		return true;
	if (!may_request())
		return false;
	size_t payload = op->range_count * sizeof(wire::Range);
	auto message =
		wire::make<wire::Announce>(next_sequence_, op->id, 0, payload);
	message.cq_data = op->data;
	int ret = link_->send_message(message, op->ranges, payload);
	Request request;
	request.type = wire::Type::announce;
	request.op = op;
	sent_request(request);
	op->announced = true;
	broken(ret);
	return true;
}

bool Channel::post_by_request(PersistentOp *op)
{
	while (op->range_index < op->range_count) {
		const wire::Range &range = op->ranges[op->range_index];
		while (op->range_offset < range.length) {
			wire::Range part = range;
			part.offset += op->range_offset;
			part.length = std::min<uint64_t>(
				range.length - op->range_offset,
				wire::kMaxPayload);
			bool last =
				op->range_offset + part.length == range.length;
			uint16_t flags = 0;
			if (op->fence && !op->iov_offset)
				flags |= wire::kFence;
			if (op->write && op->level == Level::commit)
				flags |= last ? wire::kFlush | wire::kCommit
					      : wire::kFlush;
			if (op->write ? !post_write(op, part, flags)
				      : !post_read(op, part, flags))
				return false;
			op->range_offset += part.length;
			op->iov_offset += part.length;
		}
		op->range_index++;
		op->range_offset = 0;
	}
	return true;
}

bool Channel::post_write(PersistentOp *op, const wire::Range &part,
			 uint16_t flags)
{
	if (!(flags & wire::kFlush) && !remember_dirty(&part, 1))
		return false;
	if (!may_request())
		return false;
	auto message = wire::make<wire::Write>(next_sequence_, op->id, flags,
					       part.length);
	message.token = part.token;
	message.offset = part.offset;
	uint8_t *buffer = link_->begin(sizeof(message) + part.length);
	std::memcpy(buffer, &message, sizeof(message));
	op->local.gather(op->iov_offset, buffer + sizeof(message), part.length);
	int ret = link_->send();
	Request request;
	request.type = wire::Type::write;
	request.fence = flags & wire::kFence;
	request.op = op;
	request.range = part;
	sent_request(request);
	broken(ret);
	return true;
}

bool Channel::post_read(PersistentOp *op, const wire::Range &part,
			uint16_t flags)
{
	if (!may_request())
		return false;
	auto message = wire::make<wire::Read>(next_sequence_, op->id, flags);
	message.token = part.token;
	message.offset = part.offset;
	message.length = static_cast<uint32_t>(part.length);
	int ret = link_->send_message(message);
	Request request;
	request.type = wire::Type::read;
	request.fence = flags & wire::kFence;
	request.op = op;
	request.fetches = true;
	request.range = part;
	request.iov_offset = op->iov_offset;
	sent_request(request);
	broken(ret);
	return true;
}

bool Channel::post_flush(PersistentOp *op, const wire::Range *ranges,
			 size_t count, uint16_t flags)
{
	if (!may_request())
		return false;
	size_t payload = count * sizeof(wire::Range);
	auto message = wire::make<wire::Flush>(next_sequence_, op ? op->id : 0,
					       flags, payload);
	int ret = link_->send_message(message, ranges, payload);
	Request request;
	request.type = wire::Type::flush;
	request.fence = flags & wire::kFence;
	request.op = op;
	request.drains = flags & wire::kCommit;
	sent_request(request);
	unseen_ = false;
	broken(ret);
	return true;
}

bool Channel::may_request() const noexcept
{
	return link_->free_sends() && next_sequence_ - 1 - answered_ < credits_;
}

void Channel::sent_request(const Request &sent)
{
	Request &kept = request(next_sequence_++);
	kept = sent;
	kept.number = ++posted_;
	initiator_->watch();
	if (sent.op)
		sent.op->unanswered++;
	if (sent.fence)
		fences_++;
	if (sent.drains && sent.fence)
		requested_ = failed_ = false;
	else if (sent.type != wire::Type::resolve)
		requested_ = true;
	if (link_->has_waiting())
		initiator_->attend(this);
}

/* Posting goes on over the entries of `this`; the disconnect waits. */
void Channel::broken(int ret)
{
	if (!ret || broken_)
		return;
	broken_ = ret;
	initiator_->attend(this);
}

/* An inner error other than -FI_EAGAIN; `op` may be null. */
void Channel::not_posted(PersistentOp *op, int ret)
{
	if (op)
		op->fail({-ret, Cause::inner_provider});
	broken(ret);
}

bool Channel::quiet()
{
	if (state_ != State::ready)
		return true;
	if (!idle())
		return false;
	if (!unseen_)
		return true;
	/* The answer shows that the one-sided writes before it arrived. */
	static_cast<void>(post_flush(nullptr, nullptr, 0, 0));
	return false;
}

} // namespace ofi_pmem
