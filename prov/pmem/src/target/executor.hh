/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Executes the requests of one channel on the target's regions, and keeps what
 * their order needs: what was flushed and not drained, and whether anything
 * failed since the last fence. It checks every field that came over the wire
 * before it uses the field. Called under the region table's lock.
 */
#pragma once

#include <vector>

#include "core/errors.hh"
#include "plane/wire.hh"
#include "target/atomic_request.hh"
#include "target/region_table.hh"

namespace ofi_pmem
{

class Executor
{
public:
	explicit Executor(RegionTable *table) noexcept : table_(table) {}

	[[nodiscard]] Failure write(const wire::Write &request,
				    const uint8_t *payload, size_t len);
	[[nodiscard]] Failure flush(const wire::Flush &request,
				    const uint8_t *ranges, size_t count);
	[[nodiscard]] Failure read(const wire::Read &request, uint8_t *target);

	/*
	 * This is atomic because nothing else executes meanwhile: the caller
	 * holds the table's lock. All ranges are checked before the first is
	 * touched. `result`, if wanted, gets what they held before.
	 */
	[[nodiscard]] Failure atomic(const AtomicRequest &request,
				     std::vector<uint8_t> *result);

	/*
	 * Gets the length of an announced write, whose ranges must be writable.
	 * Fails as the write would, which may then not be sent any more.
	 */
	[[nodiscard]] Failure announced_length(const uint8_t *ranges,
					       size_t count, size_t *length);

	/*
	 * Makes everything durable that this channel flushed. failure_of() then
	 * has the outcome for one region, until the next drain().
	 */
	void drain();

	/* failure_of() returns the outcome of the last drain() for one region,
	 * or for any. */
	static constexpr uint64_t kAnyRegion = UINT64_MAX;
	[[nodiscard]] Failure failure_of(uint64_t token) const noexcept;

	/*
	 * Allows a fenced commit to be executed if nothing failed since the
	 * last one. A failure is reported once; the rest of the operation that
	 * got it is refused, too.
	 */
	[[nodiscard]] Failure pass_fence(uint64_t operation) noexcept;

	/* Returns the failure for the rest of that operation; none for any
	 * other. */
	[[nodiscard]] Failure refused(uint64_t operation) const noexcept;

	/* Keeps the failure, if it is one, for the next fence to report. */
	[[nodiscard]] Failure remember(const Failure &failure) noexcept;

private:
	struct Outcome {
		uint64_t token;
		Failure failure;
	};

	void will_drain(uint64_t token);
	[[nodiscard]] Failure check(const AtomicRequest &request) const;
	[[nodiscard]] Failure apply(const AtomicRequest &request, size_t index,
				    size_t done, uint8_t *was);

	RegionTable *table_;
	std::vector<uint64_t> undrained_;
	std::vector<Outcome> drain_failures_;
	Failure since_fence_;
	uint64_t refused_operation_ = 0;
	Failure refusal_;
	std::vector<uint8_t> elements_; /* of one atomic operation */
};

} // namespace ofi_pmem
