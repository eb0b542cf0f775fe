/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a channel is answered: keys, data, and how its requests ended. All of it
 * comes from another machine.
 */
#include "plane/channel.hh"

#include <cerrno>
#include <cinttypes>
#include <cstring>

#include "core/log.hh"
#include "core/params.hh"
#include "plane/channel_table.hh"
#include "plane/initiator.hh"

namespace ofi_pmem
{

int Channel::resolve(uint64_t token, const RemoteRegion **region)
{
	auto [entry, added] = regions_.try_emplace(token);
	if (added) {
		if (!may_request()) {
			regions_.erase(entry);
			return -FI_EAGAIN;
		}
		auto message = wire::make<wire::Resolve>(next_sequence_, 0);
		message.token = token;
		int ret = link_->send_message(message);
		Request request;
		request.type = wire::Type::resolve;
		request.range.token = token;
		sent_request(request);
		broken(ret);
		if (link_->has_waiting())
			initiator_->attend(this);
		return -FI_EAGAIN;
	}
	if (entry->second.state == RemoteRegion::State::asked)
		return -FI_EAGAIN;
	if (entry->second.state == RemoteRegion::State::refused) {
		int err = entry->second.refusal.err;
		regions_.erase(entry);
		return -err;
	}
	*region = &entry->second;
	return 0;
}

void Channel::on_receive(uint16_t slot, size_t len)
{
	const uint8_t *bytes = link_->received(slot);
	bool good = false;
	if (len >= sizeof(wire::Header) && len <= wire::kMaxMessage) {
		good = state_ == State::ready ? on_answer(bytes, len)
					      : on_greeting(bytes, len);
	}
	if (!link_)
		return; /* refused or disconnected meanwhile */
	if (!good) {
		disconnect(EPROTO, "the answer is not one of our protocol");
		return;
	}
	broken(link_->post_receive(slot));
	if (!queue_.empty())
		initiator_->attend(this);
}

bool Channel::on_answer(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	if (header.type == wire::Type::region)
		return on_region(bytes, len);
	if (header.type == wire::Type::data)
		return on_data(bytes, len);
	if (header.type == wire::Type::verified)
		return on_verified(bytes, len);
	wire::Ack ack;
	if (!wire::parse(bytes, len, &ack))
		return false;
	return settle_until(ack.header.sequence,
			    {ack.status, static_cast<Cause>(ack.cause)},
			    wire::Type::ack);
}

bool Channel::on_region(const uint8_t *bytes, size_t len)
{
	wire::Region info;
	if (!wire::parse(bytes, len, &info))
		return false;
	uint64_t sequence = info.header.sequence;
	if (!awaits(sequence) || request(sequence).type != wire::Type::resolve)
		return false;
	/* Offsets and addresses are added below; none may wrap. */
	if (info.length > UINT64_MAX - info.base ||
	    info.length > UINT64_MAX - info.lower_base)
		return false;
	accept_region(&regions_[request(sequence).range.token], info);
	return settle_until(sequence, Failure{}, wire::Type::region);
}

/* Takes a region's description over and chooses its method. */
void Channel::accept_region(RemoteRegion *region,
			    const wire::Region &info) const
{
	MethodDecision decision = decide_method(
		target_traits(info), initiator_->transport().traits(),
		params().method);
	region->info = info;
	region->method = decision.method;
	region->reason = decision.reason;
	region->check_by = preferred_digest(params().digests,
					    own_digests() & info.digests);
	if (decision.method == Method::native &&
	    initiator_->transport().traits().atomic_write)
		region->native_order = kAtomicWriteBytes;
	if (decision.error) {
		region->state = RemoteRegion::State::refused;
		region->refusal = {-decision.error, Cause::none};
		PMEM_WARN(FI_LOG_EP_DATA,
			  "FI_OFI_PMEM_METHOD cannot be kept for a region of "
			  "%s port %u: %s",
			  peer_.host().c_str(), peer_.port(), decision.reason);
		return;
	}
	region->state = RemoteRegion::State::known;
	PMEM_INFO(FI_LOG_EP_DATA,
		  "region of %s port %u length %" PRIu64
		  " has durability method %s: %s",
		  peer_.host().c_str(), peer_.port(), info.length,
		  to_string(decision.method), decision.reason);
}

bool Channel::on_data(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	if (header.length != len ||
	    header.version != wire::version_of(header.type) ||
	    !awaits(header.sequence))
		return false;
	const Request &read = request(header.sequence);
	if (success_of(read) != wire::Type::data ||
	    len - sizeof(wire::Data) != read.range.length)
		return false;
	const Buffers &into =
		read.op->atomic ? read.op->result : read.op->local;
	into.scatter(read.iov_offset, bytes + sizeof(wire::Data),
		     read.range.length);
	return settle_until(header.sequence, Failure{}, wire::Type::data);
}

/* The message that a request succeeds with. */
wire::Type Channel::success_of(const Request &request) noexcept
{
	if (request.type == wire::Type::resolve)
		return wire::Type::region;
	if (request.type == wire::Type::verify)
		return wire::Type::verified;
	return request.fetches ? wire::Type::data : wire::Type::ack;
}

/*
 * Everything up to `sequence` is answered; the last with `failure` or, by this
 * `answer`, with success. Only writes and flushes may succeed without an
 * answer of their own, as may announcements and atomics that fetch nothing.
 */
bool Channel::settle_until(uint64_t sequence, const Failure &failure,
			   wire::Type answer)
{
	if (!awaits(sequence))
		return false;
	for (uint64_t s = answered_ + 1; s <= sequence; s++) {
		wire::Type own = success_of(request(s));
		bool last = s == sequence;
		if (last ? !failure && own != answer : own != wire::Type::ack)
			return false;
	}
	while (answered_ < sequence) {
		Request settled = request(++answered_);
		settle(settled, answered_ == sequence ? failure : Failure{});
	}
	return true;
}

void Channel::settle(const Request &settled, const Failure &failure)
{
	if (settled.fence)
		fences_--;
	if (settled.type == wire::Type::resolve && failure) {
		RemoteRegion &region = regions_[settled.range.token];
		region.state = RemoteRegion::State::refused;
		region.refusal = failure;
	}
	if (!settled.op) {
		if (failure && settled.drains)
			writes_lost();
		table_->settled();
		return;
	}
	/* A region was closed after its key was resolved. */
	if (failure.cause == Cause::unknown_key) {
		for (size_t i = 0; i < settled.op->range_count; i++)
			regions_.erase(settled.op->ranges[i].token);
	}
	settled.op->unanswered--;
	if (failure) {
		settled.op->fail(failure);
		failed_ = true;
	}
	/* As a drain, it succeeds only if the service knows of no failure. */
	const PersistentOp &op = *settled.op;
	if (op.is_drain() && op.route == Route::request && op.finished() &&
	    !op.failure && all_answered())
		requested_ = false;
	settle_op(settled.op);
}

void Channel::settle_op(PersistentOp *op)
{
	if (!op->finished())
		return;
	if (fencing_ == op)
		fencing_ = nullptr;
	table_->finish(op);
}

} // namespace ofi_pmem
