/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/session.hh"

#include "core/log.hh"
#include "core/params.hh"
#include "service/declaration.hh"

#include <algorithm>
#include <cinttypes>

namespace ofi_pmem
{

namespace
{

constexpr uint16_t kReceives = wire::kMaxCredits + 1;
/* Every credit's answer fits twice: the initiator may have an answer, and use
 * its credit again, before our send has completed. */
constexpr uint16_t kSends = 2 * (wire::kMaxCredits + 1);

/* Returns at most 8 bytes, the longest store that is never torn. */
uint8_t common_alignment(const TargetRegion &region) noexcept
{
	uint64_t distance =
		(reinterpret_cast<uintptr_t>(region.memory) - region.base) | 8;
	return static_cast<uint8_t>(distance & -distance);
}

/*
 * Its answer says that all before it has succeeded, or it is executed only when
 * all before it has ended.
 */
bool needs_outcomes(const wire::Header &header) noexcept
{
	return (header.flags & wire::kFence) ||
	       header.type == wire::Type::read ||
	       header.type == wire::Type::verify ||
	       header.type == wire::Type::resolve;
}

/* Says in the answer to a Resolve what the region is. */
void describe(TargetRegion *region, wire::Region *answer)
{
	answer->base = region->base;
	answer->length = region->len;
	answer->notify_base = region->notify_base;
	answer->notify_key = region->notify_key;
	answer->access = region->access;
	answer->alignment = common_alignment(*region);
	NicTraits nic;
	{
		MutexLock guard(region->access_lock());
		if (const LinkMemory *memory = region->link_memory.get()) {
			answer->one_sided = true;
			answer->lower_base = memory->base;
			answer->lower_key = memory->key;
			nic = {memory->nic, memory->flushable};
		}
	}
	declare(*region->backend, nic, params(), answer);
}

bool is_fenced_commit(const wire::Header &header) noexcept
{
	return (header.flags & wire::kFence) &&
	       (header.flags & (wire::kFlush | wire::kCommit));
}

} // namespace

Session::Session(RegionTable *table, Workspace *workspace, const Gate &gate,
		 std::unique_ptr<Admission> admission) noexcept
	: table_(table), workspace_(workspace),
	  admission_(std::move(admission)), executor_(table, workspace),
	  audit_(table), greeting_(gate)
{
}

Session::~Session()
{
	table_->announcements().close(this);
}

int Session::open(ConnectRequest *request, Queues *queues, uint32_t id,
		  bool long_writes)
{
	LinkAttr attr{id, kReceives, kSends, wire::kMaxMessage, 0, long_writes};
	return request->accept(queues, attr, &link_);
}

bool Session::enqueue(uint16_t slot, size_t len)
{
	if (len < sizeof(wire::Header))
		return false;
	backlog_.push_back({slot, len, 0, false});
	return true;
}

/* There is a buffer for the answer, whatever it will be. */
bool Session::can_execute() const noexcept
{
	return !backlog_.empty() && !verifier_ && !arrival_ && !waits_ &&
	       link_->free_sends() > pending_.size();
}

bool Session::run(size_t budget)
{
	for (; budget && can_execute(); budget--) {
		if (!open_first())
			return false;
		if (must_wait())
			break;
		if (!run_first())
			return false;
	}
	return true;
}

/*
 * What came before the channel was sealed is not taken for what came after, so
 * a message is opened when its turn comes.
 */
bool Session::open_first()
{
	Received &first = backlog_.front();
	if (first.opened)
		return true;
	ssize_t len = link_->open_received(first.slot, first.len);
	first.opened = true;
	first.len = len > 0 ? static_cast<size_t>(len) : 0;
	return len > 0;
}

/* Somebody on the path may have appended to what comes before the seal. */
bool Session::greet(const uint8_t *bytes, size_t len)
{
	if (!greeting_.take(link_.get(), bytes, len))
		return false;
	executor_.set_key(greeting_.seal().key.get());
	audit_.set_key(key());
	const Received &first = backlog_.front();
	return !key() || first.done + len == first.len;
}

/* What is queued first waits for the outcome of what came before. */
bool Session::must_wait()
{
	const Received &first = backlog_.front();
	wire::Header header;
	if (!greeting_.done() || first.len - first.done < sizeof(header))
		return false;
	std::memcpy(&header, link_->received(first.slot) + first.done,
		    sizeof(header));
	if (!barrier_ && !needs_outcomes(header))
		return false;
	begin_round(is_fenced_commit(header));
	end_rounds();
	waits_ = !rounds_.empty();
	barrier_ = waits_;
	return waits_;
}

/* Runs the first request that is queued. */
bool Session::run_first()
{
	Received &received = backlog_.front();
	const uint8_t *bytes = link_->received(received.slot) + received.done;
	size_t left = received.len - received.done;
	size_t len = wire::first_length(bytes, left);
	if (!len && link_->rest())
		len = left;
	if (!len ||
	    !(greeting_.done() ? execute(bytes, len) : greet(bytes, len)))
		return false;
	received.done += len;
	return received.done < received.len || arrival_ || take_back();
}

/* The first message is executed. */
bool Session::take_back()
{
	uint16_t slot = backlog_.front().slot;
	backlog_.pop_front();
	return !link_->post_receive(slot);
}

bool Session::needs_turn() const noexcept
{
	return verifier_ ||
	       (arrival_ && arrival_->state() == Arrival::State::goes_on) ||
	       can_execute();
}

bool Session::stopped(std::chrono::steady_clock::time_point now,
		      std::chrono::milliseconds timeout) noexcept
{
	uint64_t received = link_->received_bytes();
	if (received != received_ || !link_->amid_message() || waits_) {
		received_ = received;
		moved_ = now;
	}
	return now - moved_ >= timeout;
}

bool Session::go_on()
{
	end_rounds();
	continue_verify();
	if (!arrival_)
		return true;
	if (!receive_payload())
		return false;
	return arrival_ || (may_guess() && take_back());
}

const Session::RequestType Session::kRequestTypes[] = {
	{wire::Type::write, sizeof(wire::Write), "Write",
	 &Session::execute_write},
	{wire::Type::flush, sizeof(wire::Flush), "Flush",
	 &Session::execute_flush},
	{wire::Type::read, sizeof(wire::Read), "Read", &Session::execute_read},
	{wire::Type::atomic, sizeof(wire::Atomic), "Atomic",
	 &Session::execute_atomic},
	{wire::Type::announce, sizeof(wire::Announce), "Announce",
	 &Session::execute_announce},
	{wire::Type::verify, sizeof(wire::Verify), "Verify",
	 &Session::execute_verify},
	{wire::Type::resolve, sizeof(wire::Resolve), "Resolve",
	 &Session::execute_resolve},
};

bool Session::execute(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	if (header.sequence != last_sequence_ + 1)
		return false;
	last_sequence_ = header.sequence;
	for (const RequestType &one : kRequestTypes) {
		if (one.type != header.type)
			continue;
		if (len >= one.size && (this->*one.execute)(bytes, len))
			return may_guess();
		PMEM_INFO(FI_LOG_EP_DATA, "a malformed %s of %zu bytes",
			  one.name, len);
		return false;
	}
	return false;
}

/* Returns false if this request names one unknown region too many. */
bool Session::may_guess()
{
	if (pending_.empty() || pending_.back().sequence != last_sequence_ ||
	    pending_.back().failure.cause != Cause::unknown_key)
		return true;
	return table_->guesses().take(std::chrono::steady_clock::now());
}

/*
 * What comes before a fence has been drained. A fence that commits is executed
 * only when nothing before it failed.
 */
Failure Session::fence(const wire::Header &header)
{
	if (!(header.flags & wire::kFence))
		return {};
	fenced_operation_ = header.operation;
	if (!is_fenced_commit(header))
		return {};
	/* A flush names bytes that are not flushed yet. */
	if (header.type != wire::Type::flush)
		static_cast<void>(
			executor_.remember(audit_.verify_earlier(header)));
	return executor_.pass_fence(header.operation);
}

void Session::pend(const wire::Header &header, uint64_t token,
		   const Failure &failure)
{
	bool needs_drain = !failure && (header.flags & wire::kCommit);
	commits_ += needs_drain;
	pending_.push_back({header.sequence,
			    header.operation,
			    needs_drain,
			    token,
			    failure,
			    wire::Type::ack,
			    {},
			    audit_.after(header, bool(failure)),
			    false});
	/* This is the last request of a fenced commit: what follows waits for
	 * its drain. */
	if ((header.flags & wire::kCommit) &&
	    header.operation == fenced_operation_)
		barrier_ = true;
}

bool Session::execute_write(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	size_t rest = header.length > len ? link_->rest() : 0;
	wire::Write request;
	if (!wire::parse(bytes, len, &request, rest))
		return false;
	Failure failure = fence(request.header);
	Payload payload = payload_of(request, bytes, len);
	audit_.before(request, payload.len + rest);
	if (rest) {
		if (!failure)
			failure = executor_.begin_write(request, rest);
		arrival_ = std::make_unique<Arrival>(request, failure);
		return receive_payload();
	}
	if (!failure)
		failure = executor_.write(request, payload);
	pend(request.header, request.token, failure);
	return true;
}

bool Session::receive_payload()
{
	switch (arrival_->step(link_.get(), &executor_)) {
	case Arrival::State::broken:
		return false;
	case Arrival::State::waits:
	case Arrival::State::goes_on:
		return true;
	case Arrival::State::complete:
		break;
	}
	std::unique_ptr<Arrival> done = std::move(arrival_);
	const wire::Write &request = done->request();
	pend(request.header, request.token, done->failure());
	return true;
}

bool Session::execute_flush(const uint8_t *bytes, size_t len)
{
	wire::Flush request;
	if (!wire::parse(bytes, len, &request))
		return false;
	size_t payload = len - sizeof(request);
	size_t count = payload / sizeof(wire::Range);
	if (payload % sizeof(wire::Range) || count > wire::kMaxRanges)
		return false;
	Failure refusal = fence(request.header);
	audit_.before(request, bytes + sizeof(request), count);
	/* A refused flush is executed, too: the initiator has forgotten these
	 * ranges, and its next fenced commit stands for them. */
	Failure failure =
		executor_.flush(request, bytes + sizeof(request), count);
	pend(request.header, Drain::kAnyRegion, refusal ? refusal : failure);
	return true;
}

bool Session::execute_read(const uint8_t *bytes, size_t len)
{
	wire::Read request;
	if (!wire::parse(bytes, len, &request) ||
	    request.length > wire::kMaxPayload)
		return false;
	Failure failure = fence(request.header);
	if (failure) {
		pend(request.header, request.token, failure);
		return true;
	}
	if (!send_answers())
		return false;
	uint8_t *buffer = link_->begin(sizeof(wire::Data) + request.length);
	failure = executor_.read(request, buffer + sizeof(wire::Data));
	if (failure) {
		pend(request.header, request.token, failure);
		return true;
	}
	auto data = wire::make<wire::Data>(request.header.sequence,
					   request.header.operation, 0,
					   request.length);
	std::memcpy(buffer, &data, sizeof(data));
	return !link_->send();
}

bool Session::execute_atomic(const uint8_t *bytes, size_t len)
{
	AtomicRequest request;
	if (!request.parse(bytes, len))
		return false;
	Failure failure = fence(request.header());
	std::vector<uint8_t> was;
	audit_.before(request);
	if (!failure)
		failure = executor_.atomic(request, &was);
	pend(request.header(),
	     request.one_region() ? request.range(0).token : Drain::kAnyRegion,
	     failure);
	if (request.fetches()) {
		pending_.back().success = wire::Type::data;
		pending_.back().data = std::move(was);
	}
	return true;
}

bool Session::execute_announce(const uint8_t *bytes, size_t len)
{
	wire::Announce request;
	if (!wire::parse(bytes, len, &request))
		return false;
	size_t payload = len - sizeof(request);
	size_t count = payload / sizeof(wire::Range);
	if (payload % sizeof(wire::Range) || count > wire::kMaxAnnouncedRanges)
		return false;
	size_t length = 0;
	Failure failure = executor_.announced_length(bytes + sizeof(request),
						     count, &length);
	if (!failure)
		table_->announcements().add(this, request.header.operation,
					    request.cq_data, length);
	pend(request.header, Drain::kAnyRegion, failure);
	return true;
}

/* A Verify reads back what the commits before it left. */
bool Session::execute_verify(const uint8_t *bytes, size_t len)
{
	auto verifier = std::make_unique<Verifier>(table_, key(),
						   &workspace_->read_back());
	if (!greeting_.features().verify || !verifier->parse(bytes, len))
		return false;
	Failure failure = executor_.refused(verifier->header().operation);
	if (!failure)
		failure = verifier->open();
	pend(verifier->header(), Drain::kAnyRegion, failure);
	if (failure)
		return true;
	pending_.back().unfinished = true;
	verifier_ = std::move(verifier);
	continue_verify();
	return true;
}

void Session::continue_verify()
{
	if (!verifier_ || !verifier_->step())
		return;
	Pending &request = pending_.back();
	request.unfinished = false;
	request.failure = verifier_->failure();
	request.success = wire::Type::verified;
	request.data = verifier_->answer();
	if (verifier_->found_bad())
		static_cast<void>(
			executor_.remember({FI_EIO, Cause::bad_blocks}));
	verifier_.reset();
}

bool Session::execute_resolve(const uint8_t *bytes, size_t len)
{
	wire::Resolve request;
	if (!wire::parse(bytes, len, &request))
		return false;
	TargetRegion *region = nullptr;
	Failure failure = table_->admit(request.token, key(), &region);
	if (failure) {
		pend(request.header, request.token, failure);
		return true;
	}
	if (!send_answers())
		return false;
	auto answer = wire::make<wire::Region>(request.header.sequence,
					       request.header.operation);
	describe(region, &answer);
	if (answer.one_sided)
		one_sided_.insert(request.token);
	return !link_->send_message(answer);
}

/* Begins a drain if a commit waits for it, or a fence for what was flushed. */
void Session::begin_round(bool for_fence)
{
	if (!commits_ && !(for_fence && executor_.has_undrained()))
		return;
	Round round{pending_.empty() ? 0 : pending_.back().sequence,
		    executor_.begin_drain(std::max<size_t>(commits_, 1))};
	commits_ = 0;
	if (rounds_.empty() && round.drain.ended())
		end_round(&round);
	else
		rounds_.push_back(std::move(round));
}

void Session::end_rounds()
{
	while (!rounds_.empty() && rounds_.front().drain.ended()) {
		end_round(&rounds_.front());
		rounds_.pop_front();
	}
	waits_ = waits_ && !rounds_.empty();
}

/* The outcome of its commits becomes known. */
void Session::end_round(Round *round)
{
	executor_.end_drain(&round->drain);
	for (Pending &request : pending_) {
		if (request.sequence > round->last)
			break;
		if (!request.needs_drain)
			continue;
		request.failure = round->drain.failure_of(request.token);
		if (!request.failure)
			request.failure = executor_.remember(
				audit_.verify(request.claims));
		request.needs_drain = false;
		if (params().trace_write && !request.failure)
			PMEM_TRACE(FI_LOG_EP_DATA,
				   "op %" PRIu64 " target durable",
				   request.operation);
	}
}

/*
 * Sends one answer for each run of successes, which ends with one that carries
 * data, and one for each failure.
 */
bool Session::send_answers()
{
	while (!pending_.empty() && pending_.front().known() &&
	       link_->free_sends()) {
		auto last = pending_.begin();
		while (!last->failure && last->success == wire::Type::ack &&
		       last + 1 != pending_.end() && last[1].known())
			++last;
		bool is_ack = last->failure || last->success == wire::Type::ack;
		if (!(is_ack ? send_ack(*last) : send_data(*last)))
			return false;
		pending_.erase(pending_.begin(), last + 1);
	}
	return true;
}

bool Session::send_data(const Pending &request)
{
	size_t len = sizeof(wire::Header) + request.data.size();
	wire::Header header{wire::version_of(request.success),
			    request.success,
			    0,
			    static_cast<uint32_t>(len),
			    request.sequence,
			    request.operation};
	return !link_->send_message(header, request.data.data(),
				    request.data.size());
}

bool Session::send_ack(const Pending &last)
{
	auto ack = wire::make<wire::Ack>(last.sequence, last.operation);
	ack.status = static_cast<uint16_t>(last.failure.err);
	ack.cause = static_cast<uint16_t>(last.failure.cause);
	if (last.failure)
		table_->announcements().retract(this, last.operation);
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA,
			   "op %" PRIu64 " target ack sequence %" PRIu64
			   " status %u",
			   last.operation, last.sequence, ack.status);
	return !link_->send_message(ack);
}

bool Session::uses(uint64_t token) const noexcept
{
	return one_sided_.count(token) != 0;
}

bool Session::unsent() const noexcept
{
	return (!pending_.empty() && pending_.front().known()) ||
	       link_->has_waiting();
}

bool Session::finish_batch()
{
	begin_round(false);
	end_rounds();
	return send_answers() && !link_->send_waiting();
}

} // namespace ofi_pmem
