/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "target/session.hh"

#include <algorithm>
#include <cinttypes>

#include "core/log.hh"
#include "core/params.hh"
#include "target/declaration.hh"

namespace ofi_pmem
{

namespace
{

constexpr uint16_t kReceives = wire::kMaxCredits + 1;
/* Every credit's answer, twice: the initiator may have an answer, and use its
 * credit again, before our send has completed. */
constexpr uint16_t kSends = 2 * (wire::kMaxCredits + 1);

/* Up to 8 bytes, the longest store that is never torn. */
uint8_t common_alignment(const TargetRegion &region) noexcept
{
	uint64_t distance =
		(reinterpret_cast<uintptr_t>(region.memory) - region.base) | 8;
	return static_cast<uint8_t>(distance & -distance);
}

} // namespace

Session::Session(RegionTable *table, const AuthKey &key) noexcept
	: table_(table), auth_key_(key), executor_(table), audit_(table)
{
}

Session::~Session()
{
	table_->announcements().close(this);
}

int Session::open(ConnectRequest *request, Queues *queues, uint32_t id)
{
	LinkAttr attr{id, kReceives, kSends, wire::kMaxMessage};
	return request->accept(queues, attr, &link_);
}

bool Session::on_receive(uint16_t slot, size_t len)
{
	if (len < sizeof(wire::Header) || len > wire::kMaxMessage)
		return false;
	backlog_.push_back({slot, len, 0});
	return run_backlog();
}

bool Session::on_sent(uint16_t slot)
{
	link_->sent(slot);
	return backlog_.empty() || run_backlog();
}

/* There is a buffer for the answer, whatever it will be. */
bool Session::can_execute() const noexcept
{
	return !backlog_.empty() && !verifier_ &&
	       link_->free_sends() > pending_.size();
}

bool Session::run_backlog()
{
	while (can_execute()) {
		Received &received = backlog_.front();
		const uint8_t *bytes =
			link_->received(received.slot) + received.done;
		size_t len =
			wire::first_length(bytes, received.len - received.done);
		if (!len)
			return false;
		if (!(greeted_ ? execute(bytes, len) : greet(bytes, len)))
			return false;
		received.done += len;
		if (received.done < received.len)
			continue;
		uint16_t slot = received.slot;
		backlog_.pop_front();
		if (link_->post_receive(slot))
			return false;
	}
	return true;
}

bool Session::execute(const uint8_t *bytes, size_t len)
{
	wire::Header header;
	std::memcpy(&header, bytes, sizeof(header));
	if (header.sequence != last_sequence_ + 1)
		return false;
	last_sequence_ = header.sequence;
	return execute_type(header.type, bytes, len) && may_guess();
}

/* False when this request, too, named a region that does not exist. */
bool Session::may_guess()
{
	if (pending_.empty() || pending_.back().sequence != last_sequence_ ||
	    pending_.back().failure.cause != Cause::unknown_key)
		return true;
	return table_->guesses().take(std::chrono::steady_clock::now());
}

bool Session::execute_type(wire::Type type, const uint8_t *bytes, size_t len)
{
	switch (type) {
	case wire::Type::write:
		return execute_write(bytes, len);
	case wire::Type::flush:
		return execute_flush(bytes, len);
	case wire::Type::read:
		return execute_read(bytes, len);
	case wire::Type::atomic:
		return execute_atomic(bytes, len);
	case wire::Type::announce:
		return execute_announce(bytes, len);
	case wire::Type::verify:
		return execute_verify(bytes, len);
	case wire::Type::resolve:
		return resolve(bytes, len);
	default:
		return false;
	}
}

/*
 * A fence ends the batch: what comes before is drained first. One that
 * commits is executed only when nothing before it failed.
 */
Failure Session::fence(const wire::Header &header)
{
	if (!(header.flags & wire::kFence))
		return {};
	fenced_operation_ = header.operation;
	complete_pending();
	if (!(header.flags & (wire::kFlush | wire::kCommit)))
		return {};
	executor_.drain();
	/* A flush names what is not flushed yet. */
	if (header.type != wire::Type::flush)
		static_cast<void>(
			executor_.remember(audit_.verify_earlier(header)));
	return executor_.pass_fence(header.operation);
}

void Session::pend(const wire::Header &header, uint64_t token,
		   const Failure &failure)
{
	bool needs_drain = !failure && (header.flags & wire::kCommit);
	pending_.push_back({header.sequence,
			    header.operation,
			    needs_drain,
			    token,
			    failure,
			    wire::Type::ack,
			    {},
			    audit_.after(header, bool(failure)),
			    false});
	/* Its last request: what follows a fenced commit waits for its drain.
	 */
	if ((header.flags & wire::kCommit) &&
	    header.operation == fenced_operation_)
		complete_pending();
}

bool Session::execute_write(const uint8_t *bytes, size_t len)
{
	wire::Write request;
	if (!wire::parse(bytes, len, &request))
		return false;
	Failure failure = fence(request.header);
	audit_.before(request, len - sizeof(request));
	if (!failure)
		failure = executor_.write(request, bytes + sizeof(request),
					  len - sizeof(request));
	pend(request.header, request.token, failure);
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
	/* Also when it is refused: the initiator has forgotten these ranges,
	 * and its next fenced commit stands for them. */
	Failure failure =
		executor_.flush(request, bytes + sizeof(request), count);
	pend(request.header, Executor::kAnyRegion, refusal ? refusal : failure);
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
	/* The answer says that all before succeeded: it must be known. */
	complete_pending();
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
	     request.one_region() ? request.range(0).token
				  : Executor::kAnyRegion,
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
	pend(request.header, Executor::kAnyRegion, failure);
	return true;
}

/* What is read back is what the commits before it left. */
bool Session::execute_verify(const uint8_t *bytes, size_t len)
{
	auto verifier = std::make_unique<Verifier>(table_);
	if (!verifier->parse(bytes, len))
		return false;
	complete_pending();
	Failure failure = executor_.refused(verifier->header().operation);
	if (!failure)
		failure = verifier->open();
	pend(verifier->header(), Executor::kAnyRegion, failure);
	if (failure)
		return true;
	pending_.back().unfinished = true;
	verifier_ = std::move(verifier);
	verify_slice();
	return true;
}

void Session::verify_slice()
{
	if (!verifier_->step())
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

bool Session::work()
{
	verify_slice();
	return verifier_ || run_backlog();
}

bool Session::resolve(const uint8_t *bytes, size_t len)
{
	wire::Resolve request;
	if (!wire::parse(bytes, len, &request))
		return false;
	const TargetRegion *region = table_->find(request.token);
	if (!region) {
		pend(request.header, request.token,
		     {FI_ENOKEY, Cause::unknown_key});
		return true;
	}
	complete_pending();
	if (!send_answers())
		return false;
	auto answer = wire::make<wire::Region>(request.header.sequence,
					       request.header.operation);
	answer.base = region->base;
	answer.length = region->len;
	if (region->link_memory) {
		answer.lower_base = region->link_memory->base;
		answer.lower_key = region->link_memory->key;
	}
	answer.notify_base = region->notify_base;
	answer.notify_key = region->notify_key;
	NicTraits nic;
	if (region->link_memory)
		nic = {region->link_memory->nic,
		       region->link_memory->flushable};
	declare(*region->backend, nic, params(), &answer);
	answer.one_sided = region->link_memory != nullptr;
	answer.access = region->access;
	answer.alignment = common_alignment(*region);
	if (answer.one_sided)
		one_sided_.insert(request.token);
	return !link_->send_message(answer);
}

/* Drains if a commit waits for it; then every outcome is known. */
void Session::complete_pending()
{
	bool needed = false;
	for (const Pending &request : pending_)
		needed = needed || request.needs_drain;
	if (!needed)
		return;
	executor_.drain();
	for (Pending &request : pending_) {
		if (!request.needs_drain)
			continue;
		request.failure = executor_.failure_of(request.token);
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
 * One answer for each run of successes, which ends with one that carries data,
 * and for each failure.
 */
bool Session::send_answers()
{
	while (!pending_.empty() && !pending_.front().unfinished &&
	       link_->free_sends()) {
		auto last = pending_.begin();
		while (!last->failure && last->success == wire::Type::ack &&
		       last + 1 != pending_.end() && !last[1].unfinished)
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
	return !pending_.empty() || link_->has_waiting();
}

/* A sent answer may give its buffer back at once, for what waits for one. */
bool Session::finish_batch()
{
	for (;;) {
		complete_pending();
		if (!send_answers() || link_->send_waiting())
			return false;
		if (!can_execute())
			return true;
		if (!run_backlog())
			return false;
	}
}

} // namespace ofi_pmem
