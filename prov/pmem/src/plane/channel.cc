/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The connection of a channel and the receiving half: keys, answers, and the
 * loss of it all.
 */
#include "plane/channel.hh"

#include <cerrno>
#include <cinttypes>

#include <sys/random.h>

#include "core/log.hh"
#include "core/params.hh"
#include "plane/channel_table.hh"
#include "plane/initiator.hh"

namespace ofi_pmem
{

namespace
{

/* Answers never outnumber requests; one more for the greeting's. */
constexpr uint16_t kReceives = wire::kMaxCredits + 1;
/* A request's buffer may still be in the inner provider when its answer has
 * come, so there are more of them than credits. */
constexpr uint16_t kSends = 2 * wire::kMaxCredits;

} // namespace

Channel::Channel(Initiator *initiator, ChannelTable *table,
		 fi_addr_t table_peer, const IpAddress &peer) noexcept
	: initiator_(initiator), table_(table), table_peer_(table_peer),
	  peer_(peer)
{
}

Channel::~Channel()
{
	disconnect(FI_ECANCELED, "the endpoint is closed");
	initiator_->forget(this);
}

int Channel::ready()
{
	switch (state_) {
	case State::ready:
		return broken_ ? -FI_EAGAIN : 0;
	case State::refused:
		state_ = State::idle;
		return refusal_;
	case State::idle: {
		int ret = connect();
		return ret ? ret : -FI_EAGAIN;
	}
	case State::connecting:
	case State::greeting:
	case State::challenged:
	case State::proving:
		break;
	}
	if (std::chrono::steady_clock::now() < deadline_)
		return -FI_EAGAIN;
	disconnect(FI_ETIMEDOUT, "no answer in time");
	state_ = State::idle;
	return refusal_;
}

int Channel::connect()
{
	if (!name_ && getrandom(&name_, sizeof(name_), 0) != sizeof(name_))
		return -errno;
	LinkAttr attr{initiator_->new_link_id(), kReceives, kSends,
		      wire::kMaxMessage, kMaxChains};
	int ret = initiator_->transport().connect(peer_, initiator_->queues(),
						  attr, &link_);
	if (ret) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "cannot connect to %s port %u: %s (%d)",
			  peer_.host().c_str(), peer_.port(), fi_strerror(-ret),
			  -ret);
		return ret;
	}
	state_ = State::connecting;
	deadline_ = std::chrono::steady_clock::now() +
		    std::chrono::milliseconds(params().connect_timeout_ms);
	initiator_->add_link(this);
	return 0;
}

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

void Channel::on_sent(uint16_t slot)
{
	link_->sent(slot);
	if (!queue_.empty())
		initiator_->attend(this);
}

void Channel::on_one_sided(uint16_t slot)
{
	if (slot >= kMaxChains || !chains_[slot].posted)
		return;
	PersistentOp *op = chains_[slot].op;
	forget_chain(slot);
	if (op) {
		op->unfinished--;
		settle_op(op);
	} else {
		table_->settled();
	}
	if (!queue_.empty())
		initiator_->attend(this);
}

void Channel::progress()
{
	if (link_ && !broken_) {
		broken(link_->send_waiting());
		post_queue();
	}
	if (broken_)
		disconnect(-broken_, "the inner provider failed to post");
	if (link_ && (!queue_.empty() || link_->has_waiting()))
		initiator_->attend(this);
}

/*
 * The number of what was posted first of all that is outstanding, 0 if nothing
 * is. Something that cannot be posted will be the next.
 */
uint64_t Channel::waits_longest_for() const noexcept
{
	uint64_t oldest = UINT64_MAX;
	if (!all_answered())
		oldest = requests_[(answered_ + 1) % wire::kMaxCredits].number;
	for (const Chain &chain : chains_) {
		if (chain.posted)
			oldest = std::min(oldest, chain.number);
	}
	if (oldest != UINT64_MAX)
		return oldest;
	return queue_.empty() && !link_->has_waiting() ? 0 : posted_ + 1;
}

bool Channel::still_waits(std::chrono::milliseconds since)
{
	if (connecting()) {
		if (std::chrono::steady_clock::now() < deadline_)
			return true;
		disconnect(FI_ETIMEDOUT, "no answer in time");
		return false;
	}
	std::chrono::milliseconds timeout(params().operation_timeout_ms);
	if (!timeout.count())
		return false;
	uint64_t oldest = waits_longest_for();
	/* An application that was busy elsewhere has not seen what came. */
	unmoved_ = oldest == oldest_ ? unmoved_ + std::min(since, timeout / 4)
				     : std::chrono::milliseconds(0);
	oldest_ = oldest;
	if (!oldest)
		return false;
	if (unmoved_ < timeout)
		return true;
	disconnect(FI_ETIMEDOUT, "the target has not answered in time",
		   Cause::timed_out);
	return false;
}

void Channel::disconnect(int err, const char *why, Cause cause)
{
	if (!link_)
		return;
	/* A target that does not take our proof hangs up. */
	if (state_ == State::proving && err == FI_ECONNRESET) {
		err = FI_EACCES;
		why = "the target refuses our auth_key";
	}
	Failure failure{err > 0 ? err : FI_EIO, cause};
	bool was_connecting = connecting();
	/* Of a target that only greets the caller would never learn, but try
	 * again and again. */
	bool never_answered = !was_connecting && !answered_ && !all_answered();
	state_ = State::idle;
	if (was_connecting)
		initiator_->connected();
	if (was_connecting || never_answered) {
		/* ready() reports it. */
		state_ = State::refused;
		refusal_ = -failure.err;
	}
	if (was_connecting || answered_ + 1 != next_sequence_ ||
	    chains_in_flight_)
		PMEM_WARN(FI_LOG_EP_DATA,
			  "channel to %s port %u lost, requests unanswered "
			  "%" PRIu64 ": %s: %s (%d)",
			  peer_.host().c_str(), peer_.port(),
			  next_sequence_ - 1 - answered_, why,
			  fi_strerror(failure.err), failure.err);
	initiator_->remove_link(this);
	link_.reset();
	broken_ = 0;

	oldest_ = 0;
	if (!dirty_.empty() || spilled_ || !nic_dirty_.empty() || expects())
		writes_lost();
	expected_.clear();
	dirty_.clear();
	nic_dirty_.clear();
	drain_ = {};
	spilled_ = false;
	requested_ = false;
	unseen_ = false;
	regions_.clear();
	fail_outstanding(failure);
	failed_ = false; /* told by writes_lost() */
}

/* What is durable of these writes, or was to be drained, is unknown now. */
void Channel::writes_lost()
{
	table_->writes_lost(table_peer_);
}

void Channel::fail_outstanding(const Failure &failure)
{
	/* Not posted further; each finishes with its last awaited part. */
	std::deque<PersistentOp *> unposted;
	unposted.swap(queue_);
	while (answered_ + 1 < next_sequence_) {
		Request lost = request(++answered_);
		if (lost.drains || (lost.op && lost.op->write))
			writes_lost();
		settle(lost,
		       lost.type == wire::Type::resolve ? Failure{} : failure);
	}
	for (uint16_t slot = 0; slot < kMaxChains; slot++) {
		if (!chains_[slot].posted)
			continue;
		PersistentOp *op = chains_[slot].op;
		if (!op || op->write)
			writes_lost();
		if (op)
			op->fail(failure);
		on_one_sided(slot);
	}
	for (PersistentOp *op : unposted) {
		if (op->write)
			writes_lost();
		op->fail(failure);
		op->fully_posted = true;
		settle_op(op);
	}
}

} // namespace ofi_pmem
