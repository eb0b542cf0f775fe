/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "target/executor.hh"

#include <algorithm>
#include <cinttypes>

#include "core/log.hh"
#include "core/params.hh"

namespace ofi_pmem
{

namespace
{

constexpr Failure kUnknownKey{FI_ENOKEY, Cause::unknown_key};

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

Failure Executor::write(const wire::Write &request, const uint8_t *payload,
			size_t len)
{
	uint64_t operation = request.header.operation;
	if (Failure failure = refused(operation))
		return failure;
	TargetRegion *region = table_->find(request.token);
	if (!region)
		return remember(kUnknownKey);
	Failure failure =
		region->check(request.offset, len, wire::kRemoteWrite);
	if (failure)
		return remember(failure);
	bool flush = request.header.flags & wire::kFlush;
	trace(operation, flush ? "store and flush" : "store", len);
	if (flush)
		will_drain(request.token);
	return remember(region->store(request.offset, payload, len, flush));
}

Failure Executor::flush(const wire::Flush &request, const uint8_t *ranges,
			size_t count)
{
	uint64_t operation = request.header.operation;
	Failure first;
	for (size_t i = 0; i < count; i++) {
		wire::Range range;
		std::memcpy(&range, ranges + i * sizeof(range), sizeof(range));
		TargetRegion *region = table_->find(range.token);
		Failure failure = kUnknownKey;
		if (region)
			failure = region->check(range.offset, range.length,
						wire::kRemoteWrite);
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

Failure Executor::read(const wire::Read &request, uint8_t *target)
{
	TargetRegion *region = table_->find(request.token);
	if (!region)
		return kUnknownKey;
	Failure failure = region->check(request.offset, request.length,
					wire::kRemoteRead);
	if (failure)
		return failure;
	trace(request.header.operation, "load", request.length);
	return region->load(request.offset, target, request.length);
}

/* Whether the operation is known and may be executed on all its ranges. */
Failure Executor::check(const AtomicRequest &request) const
{
	if (!request.function())
		return {FI_EOPNOTSUPP, Cause::unsupported_atomic};
	for (size_t i = 0; i < request.range_count(); i++) {
		wire::Range range = request.range(i);
		const TargetRegion *region = table_->find(range.token);
		if (!region)
			return kUnknownKey;
		Failure failure = region->check(range.offset, range.length,
						request.needed_access());
		if (!failure && request.traits().modifies())
			failure = region->poison;
		if (failure)
			return failure;
	}
	return {};
}

/* One range, behind `done` bytes of others; gives what it held before. */
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
		request.function()(elements_.data(), request.operands() + done,
				   request.comparands() + done,
				   range.length / request.element());
		failure = region->replace(range.offset, was, elements_.data(),
					  range.length, request.element());
	}
	if (failure || !(request.header().flags & wire::kFlush))
		return failure;
	/* Also what was left as it was: it may be a store not flushed yet. */
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
		const TargetRegion *region = table_->find(range.token);
		if (!region)
			return remember(kUnknownKey);
		Failure failure = region->check(range.offset, range.length,
						wire::kRemoteWrite);
		if (failure)
			return remember(failure);
		*length += range.length;
	}
	return {};
}

void Executor::drain()
{
	drain_failures_.clear();
	for (uint64_t token : undrained_) {
		TargetRegion *region = table_->find(token);
		Failure failure = region ? region->drain() : kUnknownKey;
		if (remember(failure))
			drain_failures_.push_back({token, failure});
	}
	undrained_.clear();
}

Failure Executor::failure_of(uint64_t token) const noexcept
{
	for (const Outcome &outcome : drain_failures_) {
		if (token == kAnyRegion || token == outcome.token)
			return outcome.failure;
	}
	return {};
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
