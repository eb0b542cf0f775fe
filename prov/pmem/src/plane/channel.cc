/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The connection of a channel, and the loss of it.
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
