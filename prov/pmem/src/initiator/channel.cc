/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A channel connects, posts, takes answers, and survives the loss of its
 * connection.
 */
#include "initiator/channel.hh"

#include "core/log.hh"
#include "core/params.hh"
#include "initiator/payload.hh"
#include "initiator/requests.hh"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <utility>

namespace ofi_pmem
{

Channel::Parts::Parts(Initiator *initiator, LinkUser *user,
		      const IpAddress &peer, const KeyRing::Key &key,
		      uint64_t name) noexcept
	: connection(initiator, user, peer, key, name),
	  window(&connection, &dirty, &stall), nic(&connection, &stall),
	  regions(initiator->transport(), peer),
	  flusher(&connection, &window, &nic, &dirty, &regions),
	  verification(&connection, &window, &regions),
	  order(initiator->transport().traits(), &window, &nic, &dirty,
		&flusher),
	  poster({&connection, &window, &nic, &dirty, &flusher, &verification,
		  &order})
{
}

/* What was gathered leaves, such as injects that nobody waits for. */
Channel::~Channel()
{
	if (stands())
		static_cast<void>(parts_->connection.link().send_waiting());
	disconnect(FI_ECANCELED, "the endpoint is closed");
	initiator_->forget(this);
}

int Channel::connect()
{
	if (!parts_)
		return refusal_ ? std::exchange(refusal_, 0)
				: start_to_connect();
	const Connection &connection = parts_->connection;
	if (connection.open())
		return connection.error() ? -FI_EAGAIN : 0;
	if (!connection.late())
		return -FI_EAGAIN;
	disconnect(FI_ETIMEDOUT, "no answer in time");
	return std::exchange(refusal_, 0);
}

int Channel::start_to_connect()
{
	if (!name_ && getrandom(&name_, sizeof(name_), 0) != sizeof(name_))
		return -errno;
	parts_ = std::make_unique<Parts>(initiator_, this, peer_, key_, name_);
	int ret = parts_->connection.connect();
	if (!ret)
		return -FI_EAGAIN;
	parts_.reset();
	return ret;
}

int Channel::resolve(uint64_t token, RemoteRegion **region)
{
	RegionCache &regions = parts_->regions;
	RemoteRegion *found = regions.find(token);
	switch (found->state) {
	case RemoteRegion::State::known:
		*region = found;
		return 0;
	case RemoteRegion::State::asked:
		return -FI_EAGAIN;
	case RemoteRegion::State::refused: {
		int err = found->refusal.err;
		regions.forget(token);
		return -err;
	}
	case RemoteRegion::State::unknown:
		break;
	}
	if (post_resolve(&parts_->window, token) == Posted::yes)
		found->state = RemoteRegion::State::asked;
	parts_->connection.attend_if_waiting();
	return -FI_EAGAIN;
}

int Channel::submit(PersistentOp *op)
{
	size_t budget = initiator_->budget(*this);
	if (op->options.inject &&
	    (!budget || !queue_.empty() || !parts_->poster.takes_inject(op)))
		return -FI_EAGAIN;
	queue_.push_back(op);
	post_queue(budget);
	if (waits())
		parts_->connection.attend();
	return 0;
}

/*
 * Requests of operations that are posted at once travel together. While answers
 * are awaited, so do those that are posted before the next progress: it costs
 * each of them the time until then, and saves system calls and wake-ups.
 */
void Channel::post_queue(size_t budget)
{
	Connection &connection = parts_->connection;
	bool gathers =
		!parts_->window.all_answered() && !initiator_->automatic();
	bool more = false;
	connection.link().hold();
	for (; budget && !queue_.empty() && !connection.error(); budget--) {
		PersistentOp *op = queue_.front();
		more = false;
		if (parts_->poster.post(op) == Posted::no)
			break;
		queue_.pop_front();
		more = op->options.more;
		op->posting.complete = true;
		settle_op(op);
	}
	if (parts_->poster.take_lost())
		owner_->writes_lost(peer_name_);
	if (!more && !(gathers && connection.link().gathers()))
		connection.posted(connection.link().release());
}

void Channel::on_connected()
{
	parts_->connection.greet();
}

void Channel::on_sent(uint16_t slot)
{
	parts_->connection.link().sent(slot);
	if (!queue_.empty())
		parts_->connection.attend();
}

void Channel::on_one_sided(uint16_t slot)
{
	NicQueue::Chain done;
	if (!parts_->nic.complete(slot, &done))
		return;
	settle_chain(done);
	if (!queue_.empty())
		parts_->connection.attend();
}

void Channel::on_receive(uint16_t slot, size_t len)
{
	Parts *parts = parts_.get();
	Connection &connection = parts->connection;
	ssize_t opened = connection.link().open_received(slot, len);
	if (opened <= 0) {
		disconnect(EPROTO, "the answer is not what the target sealed");
		return;
	}
	len = static_cast<size_t>(opened);
	const uint8_t *bytes = connection.link().received(slot);
	while (len) {
		size_t one = wire::first_length(bytes, len);
		bool greets = !connection.open();
		bool good =
			one && (connection.open() ? on_answer(bytes, one)
						  : on_greeting(bytes, one));
		if (parts_.get() != parts)
			return; /* refused or disconnected meanwhile */
		if (!good) {
			disconnect(EPROTO, "the answer violates the protocol");
			return;
		}
		bytes += one;
		len -= one;
		/* Nobody has sealed what is behind the end of the greeting. */
		if (len && greets && connection.open() && key_) {
			disconnect(EPROTO, "there is more than the greeting");
			refusal_ = -EPROTO;
			return;
		}
	}
	connection.posted(connection.link().post_receive(slot));
	if (!queue_.empty())
		connection.attend();
}

bool Channel::on_greeting(const uint8_t *bytes, size_t len)
{
	using Kind = Connection::Outcome::Kind;
	Connection::Outcome outcome = parts_->connection.take(bytes, len);
	if (outcome.kind == Kind::opened) {
		parts_->window.open(parts_->connection.credits());
		parts_->nic.open();
	}
	if (outcome.kind == Kind::refused)
		disconnect(outcome.err, outcome.why);
	return outcome.kind != Kind::malformed;
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
	const RequestWindow &window = parts_->window;
	if (!window.awaits(sequence) ||
	    window.at(sequence).type != wire::Type::resolve)
		return false;
	/* In clear it would reach the region by the NIC. */
	if (key_)
		info.one_sided = false;
	return parts_->regions.accept(window.at(sequence).range.token, info,
				      parts_->connection.features()) &&
	       settle_until(sequence, Failure{}, wire::Type::region);
}

bool Channel::on_data(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	const RequestWindow &window = parts_->window;
	if (header.length != len ||
	    header.version != wire::version_of(header.type) ||
	    !window.awaits(header.sequence))
		return false;
	const Request &read = window.at(header.sequence);
	if (read.success() != wire::Type::data ||
	    len - sizeof(wire::Data) != read.range.length)
		return false;
	scatter_data(read, bytes + sizeof(wire::Data), read.range.length);
	return settle_until(header.sequence, Failure{}, wire::Type::data);
}

bool Channel::on_verified(const uint8_t *bytes, size_t len)
{
	wire::Verified answer;
	/* The header's length includes what follows the fixed part. */
	return wire::parse(bytes, len, &answer) &&
	       parts_->verification.take(answer, bytes + sizeof(answer),
					 len - sizeof(answer)) &&
	       settle_until(answer.header.sequence, Failure{},
			    wire::Type::verified);
}

/*
 * Settles every request up to `sequence`: the last one with `failure`, or if
 * there is none with the success that this type of `answer` means.
 */
bool Channel::settle_until(uint64_t sequence, const Failure &failure,
			   wire::Type answer)
{
	RequestWindow &window = parts_->window;
	if (!window.accepts(sequence, bool(failure), answer))
		return false;
	while (window.answered() < sequence) {
		Request settled = window.take_oldest();
		settle(parts_.get(), settled,
		       window.answered() == sequence ? failure : Failure{});
	}
	return true;
}

void Channel::settle(Parts *parts, const Request &settled,
		     const Failure &failure)
{
	if (settled.type == wire::Type::resolve && failure)
		parts->regions.refuse(settled.range.token, failure);
	PersistentOp *op = settled.op;
	if (!op) {
		if (failure && settled.drains)
			owner_->writes_lost(peer_name_);
		owner_->settled();
		return;
	}
	if (failure.cause == Cause::unknown_key)
		forget_regions(parts, *op);
	op->unanswered--;
	if (failure) {
		op->fail(failure);
		parts->dirty.request_failed();
	}
	/* A drain succeeds only if the service knows of no failure. */
	if (op->is_drain() && op->posting.route == Route::request &&
	    op->finished() && !op->failure && parts->window.all_answered())
		parts->dirty.answered();
	settle_op(op);
}

/*
 * One of these regions was closed after its key was resolved. The others are
 * forgotten with it, but not what was written there.
 */
void Channel::forget_regions(Parts *parts, const PersistentOp &op)
{
	for (size_t i = 0; i < op.range_count; i++) {
		uint64_t token = op.ranges[i].token;
		parts->regions.forget(token);
		if (!parts->dirty.leave_to_service(token))
			owner_->writes_lost(peer_name_);
	}
}

void Channel::settle_chain(const NicQueue::Chain &chain)
{
	if (!chain.op) {
		owner_->settled();
		return;
	}
	chain.op->unfinished--;
	settle_op(chain.op);
}

void Channel::settle_op(PersistentOp *op)
{
	if (!op->finished())
		return;
	if (parts_)
		parts_->order.done(op);
	owner_->finish(op);
}

bool Channel::idle() const noexcept
{
	return queue_.empty() && parts_->nic.empty() &&
	       parts_->window.all_answered();
}

bool Channel::clean() const noexcept
{
	return !stands() || (idle() && parts_->dirty.clean());
}

bool Channel::make_visible()
{
	if (!stands())
		return true;
	if (!idle())
		return false;
	if (!parts_->dirty.unseen())
		return true;
	/* The answer shows that the one-sided writes before it arrived. */
	static_cast<void>(parts_->flusher.post_flush(nullptr, nullptr, 0, 0));
	parts_->connection.attend_if_waiting();
	return false;
}

bool Channel::make_durable()
{
	if (clean())
		return true;
	if (!idle())
		return false;
	const DirtyTracker &dirty = parts_->dirty;
	Flusher &flusher = parts_->flusher;
	if (dirty.owes_nic() && flusher.drain_nic(nullptr) == Posted::no)
		return false;
	if (dirty.owes_service() || dirty.failed())
		static_cast<void>(flusher.drain_service(nullptr));
	parts_->connection.attend_if_waiting();
	return false;
}

bool Channel::waits() const noexcept
{
	return !queue_.empty() || parts_->connection.link().has_waiting();
}

void Channel::progress(size_t budget)
{
	if (!parts_)
		return;
	Connection &connection = parts_->connection;
	if (!connection.error()) {
		post_queue(budget);
		connection.posted(connection.link().send_waiting());
	}
	if (int error = connection.error())
		disconnect(-error, "the inner provider failed to post");
	else if (waits())
		connection.attend();
}

bool Channel::urgent() const noexcept
{
	return parts_ && (parts_->connection.error() ||
			  parts_->connection.link().has_waiting());
}

bool Channel::still_waits(std::chrono::milliseconds since)
{
	const Connection &connection = parts_->connection;
	if (!connection.open()) {
		if (!connection.late())
			return true;
		disconnect(FI_ETIMEDOUT, "no answer in time");
		return false;
	}
	std::chrono::milliseconds timeout(params().operation_timeout_ms);
	if (!timeout.count())
		return false;
	uint64_t oldest =
		std::min(parts_->window.oldest(), parts_->nic.oldest());
	/* An operation that cannot be posted will get the next number. */
	if (oldest == StallWatch::kNone && waits())
		oldest = parts_->stall.upcoming();
	if (!parts_->stall.stalled(oldest, connection.link().sent_bytes(),
				   since, timeout))
		return oldest != StallWatch::kNone;
	disconnect(FI_ETIMEDOUT, "the target has not answered in time",
		   Cause::timed_out);
	return false;
}

void Channel::disconnect(int err, const char *why, Cause cause)
{
	if (!parts_)
		return;
	std::unique_ptr<Parts> lost = std::move(parts_);
	/* A target that does not accept our proof hangs up. */
	if (lost->connection.proving() && err == FI_ECONNRESET) {
		err = key_ ? FI_EKEYREJECTED : FI_EACCES;
		why = key_ ? "the target refuses our region key"
			   : "the target refuses our auth_key";
	}
	if (lost->connection.greeting() && err == FI_ECONNRESET) {
		err = FI_ECONNREFUSED;
		why = "the target takes no more channels, or is no service";
	}
	Failure failure{err > 0 ? err : FI_EIO, cause};
	const RequestWindow &window = lost->window;
	bool was_connecting = lost->connection.connecting();
	/* If a target greets and never answers, the caller must learn of it, or
	 * would try again and again. */
	bool never_answered = !was_connecting && !window.any_answered() &&
			      !window.all_answered();
	if (was_connecting || never_answered)
		refusal_ = -failure.err;
	if (was_connecting || !window.all_answered() || !lost->nic.empty())
		PMEM_WARN(FI_LOG_EP_DATA,
			  "channel to %s port %u lost, requests unanswered "
			  "%" PRIu64 ": %s: %s (%d)",
			  peer_.host().c_str(), peer_.port(),
			  window.unanswered(), why, fi_strerror(failure.err),
			  failure.err);
	if (!was_connecting && !window.all_answered())
		owner_->ended(*this);
	/* The buffers of operations that fail below belong to the application
	 * again. */
	lost->connection.close();
	if (fail_outstanding(lost.get(), failure))
		owner_->writes_lost(peer_name_);
}

bool Channel::fail_outstanding(Parts *lost, const Failure &failure)
{
	bool writes = lost->dirty.owes() || lost->verification.expects();
	while (!lost->window.all_answered()) {
		Request request = lost->window.take_oldest();
		writes = writes || request.drains ||
			 (request.op && request.op->writes);
		settle(lost, request,
		       request.type == wire::Type::resolve ? Failure{}
							   : failure);
	}
	NicQueue::Chain chain;
	while (lost->nic.take_lost(&chain)) {
		writes = writes || !chain.op || chain.op->writes;
		if (chain.op)
			chain.op->fail(failure);
		settle_chain(chain);
	}
	while (PersistentOp *op = queue_.pop_front()) {
		writes = writes || op->writes;
		op->fail(failure);
		op->posting.complete = true;
		settle_op(op);
	}
	return writes;
}

} // namespace ofi_pmem
