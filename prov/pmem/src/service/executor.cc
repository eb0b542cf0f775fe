/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/executor.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <algorithm>
#include <cinttypes>

namespace ofi_pmem
{

namespace
{

void trace(uint64_t operation, const char *what, size_t len) noexcept
{
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA, "op %" PRIu64 " target %s len %zu",
			   operation, what, len);
}

} // namespace

Failure Executor::remember(const Failure &failure) noexcept
{
	if (failure && !since_fence_)
		since_fence_ = failure;
	return failure;
}

Failure Executor::refused(uint64_t operation) const noexcept
{
	return refused_operation_ && operation == refused_operation_
		       ? refusal_
		       : Failure{};
}

void Executor::will_drain(uint64_t token)
{
	if (std::find(undrained_.begin(), undrained_.end(), token) ==
	    undrained_.end())
		undrained_.push_back(token);
}

Failure Executor::admit(const wire::Range &range, uint8_t access,
			TargetRegion **region) const
{
	Failure failure = table_->admit(range.token, key_, region);
	return failure ? failure
		       : (*region)->check(range.offset, range.length, access);
}

Failure Executor::check(const wire::Write &request, size_t len,
			TargetRegion **region)
{
	uint64_t operation = request.header.operation;
	if (Failure failure = refused(operation))
		return failure;
	Failure failure = admit({request.token, request.offset, len},
				wire::kRemoteWrite, region);
	if (failure)
		return remember(failure);
	bool flush = request.header.flags & wire::kFlush;
	trace(operation, flush ? "store and flush" : "store", len);
	return {};
}

Failure Executor::begin_write(const wire::Write &request, size_t len)
{
	TargetRegion *region = nullptr;
	return check(request, len, &region);
}

Failure Executor::write(const wire::Write &request, const Payload &payload)
{
	TargetRegion *region = nullptr;
	if (Failure failure = check(request, payload.len, &region))
		return failure;
	if (request.header.flags & wire::kFlush)
		will_drain(request.token);
	return remember(store_payload(request, payload, region));
}

/*
 * Since the last part was stored, the region may have been closed, or drained
 * for a commit that came before, or may not accept the key any more.
 */
ssize_t Executor::receive(const wire::Write &request, size_t done, size_t most,
			  Link *link, Failure *failure)
{
	TargetRegion *region = nullptr;
	bool failed_before = bool(*failure);
	if (!failed_before)
		*failure = table_->admit(request.token, key_, &region);
	if (!*failure && (request.header.flags & wire::kFlush))
		will_drain(request.token);
	ssize_t got = receive_payload(request, done, most, link,
				      workspace_->payload(), region, failure);
	if (!failed_before)
		static_cast<void>(remember(*failure));
	return got;
}

Failure Executor::flush(const wire::Flush &request, const uint8_t *ranges,
			size_t count)
{
	uint64_t operation = request.header.operation;
	Failure first;
	for (size_t i = 0; i < count; i++) {
		wire::Range range;
		std::memcpy(&range, ranges + i * sizeof(range), sizeof(range));
		TargetRegion *region = nullptr;
		Failure failure = admit(range, wire::kRemoteWrite, &region);
		if (!failure) {
			trace(operation, "flush", range.length);
			will_drain(range.token);
			failure = region->flush(range.offset, range.length);
		}
		if (failure && !first)
			first = failure;
	}
	return remember(first);
}

Failure Executor::read(const wire::Read &request, uint8_t *answer)
{
	TargetRegion *region = nullptr;
	Failure failure = admit({request.token, request.offset, request.length},
				wire::kRemoteRead, &region);
	if (failure)
		return failure;
	trace(request.header.operation, "load", request.length);
	return load_payload(request, region, answer);
}

/* Checks that the operation is known and may be executed on all its ranges. */
Failure Executor::check(const AtomicRequest &request) const
{
	if (!request.function())
		return {FI_EOPNOTSUPP, Cause::unsupported_atomic};
	for (size_t i = 0; i < request.range_count(); i++) {
		TargetRegion *region = nullptr;
		Failure failure = admit(request.range(i),
					request.needed_access(), &region);
		if (!failure && request.traits().modifies())
			failure = region->poison();
		if (failure)
			return failure;
	}
	return {};
}

/* Applies to one range, behind `done` bytes of others; gets what it held
 * before. */
Failure Executor::apply(const AtomicRequest &request, size_t index, size_t done,
			uint8_t *was)
{
	wire::Range range = request.range(index);
	TargetRegion *region = table_->find(range.token);
	Failure failure = region->load(range.offset, was, range.length);
	if (failure)
		return failure;
	if (request.traits().modifies()) {
		elements_.assign(was, was + range.length);
		apply_operands(request, done, &elements_);
		failure = region->replace(range.offset, was, elements_.data(),
					  range.length, request.element());
	}
	if (failure || !(request.header().flags & wire::kFlush))
		return failure;
	/* This covers unchanged bytes, too: they may be a store not flushed
	 * yet. */
	will_drain(range.token);
	return region->flush(range.offset, range.length);
}

Failure Executor::atomic(const AtomicRequest &request,
			 std::vector<uint8_t> *result)
{
	uint64_t operation = request.header().operation;
	Failure failure = refused(operation);
	if (failure)
		return failure;
	failure = check(request);
	if (failure)
		return remember(failure);
	trace(operation, "atomic", request.len());
	result->resize(request.len());
	size_t done = 0;
	MutexLock guard(table_->atomics());
	for (size_t i = 0; !failure && i < request.range_count(); i++) {
		failure = apply(request, i, done, result->data() + done);
		done += request.range(i).length;
	}
	return remember(failure);
}

Failure Executor::announced_length(const uint8_t *ranges, size_t count,
				   size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < count; i++) {
		wire::Range range;
		std::memcpy(&range, ranges + i * sizeof(range), sizeof(range));
		TargetRegion *region = nullptr;
		Failure failure = admit(range, wire::kRemoteWrite, &region);
		if (failure)
			return remember(failure);
		*length += range.length;
	}
	return {};
}

Drain Executor::begin_drain(size_t commits)
{
	Drain drain;
	for (uint64_t token : undrained_)
		drain.begin(table_, &workspace_->syncs(), token, commits);
	undrained_.clear();
	return drain;
}

void Executor::end_drain(Drain *drain)
{
	drain->end(table_);
	static_cast<void>(remember(drain->failure_of(Drain::kAnyRegion)));
}

Failure Executor::pass_fence(uint64_t operation) noexcept
{
	if (!since_fence_)
		return {};
	refusal_ = {since_fence_.err, Cause::earlier_write_failed};
	refused_operation_ = operation;
	since_fence_ = Failure{};
	return refusal_;
}

} // namespace ofi_pmem
