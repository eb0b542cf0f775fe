/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Executes the requests of one channel on the target's regions, and keeps what
 * their order needs: what was flushed and not drained, and whether anything
 * failed since the last fence. It checks every field that came over the wire
 * before it uses the field. Every function is called under the thread's stripe
 * of the region table's lock.
 */
#pragma once

#include "core/errors.hh"
#include "protocol/wire.hh"
#include "service/atomic_request.hh"
#include "service/drain.hh"
#include "service/payload.hh"
#include "service/region_table.hh"
#include "service/workspace.hh"

#include <vector>

namespace ofi_pmem
{

class Executor
{
public:
	Executor(RegionTable *table, Workspace *workspace) noexcept
		: table_(table), workspace_(workspace)
	{
	}

	/* The channel is sealed with this key, which outlives the executor. */
	void set_key(const RegionKey *key) noexcept { key_ = key; }
	const RegionKey *key() const noexcept { return key_; }

	[[nodiscard]] Failure write(const wire::Write &request,
				    const Payload &payload);
	/*
	 * A write of `len` bytes whose payload has not arrived: checks it, then
	 * receive() stores up to `most` bytes behind the `done` that are stored
	 * already. That returns what Link::read_rest() does; after a failure,
	 * of the write and not of the link, it drops what it reads.
	 */
	[[nodiscard]] Failure begin_write(const wire::Write &request,
					  size_t len);
	[[nodiscard]] ssize_t receive(const wire::Write &request, size_t done,
				      size_t most, Link *link,
				      Failure *failure);
	[[nodiscard]] Failure flush(const wire::Flush &request,
				    const uint8_t *ranges, size_t count);
	/* Loads the answer's data. */
	[[nodiscard]] Failure read(const wire::Read &request, uint8_t *answer);

	/*
	 * One at a time, whichever thread executes it. All ranges are checked
	 * before the first is touched. `result` gets what they held before.
	 */
	[[nodiscard]] Failure atomic(const AtomicRequest &request,
				     std::vector<uint8_t> *result);

	/*
	 * Gets the length of an announced write, whose ranges must be writable.
	 * It fails as the write would; that write may then not be sent any
	 * more.
	 */
	[[nodiscard]] Failure announced_length(const uint8_t *ranges,
					       size_t count, size_t *length);

	/*
	 * Begins to make everything durable that this channel flushed since the
	 * last drain; so many commits wait for it, at least one.
	 */
	[[nodiscard]] Drain begin_drain(size_t commits);
	/* It has ended. */
	void end_drain(Drain *drain);
	bool has_undrained() const noexcept { return !undrained_.empty(); }

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
	void will_drain(uint64_t token);
	/* Checks a write of `len` bytes and gets its region. */
	[[nodiscard]] Failure check(const wire::Write &request, size_t len,
				    TargetRegion **region);
	[[nodiscard]] Failure check(const AtomicRequest &request) const;
	/* Gets a region that may be accessed so. */
	[[nodiscard]] Failure admit(const wire::Range &range, uint8_t access,
				    TargetRegion **region) const;
	[[nodiscard]] Failure apply(const AtomicRequest &request, size_t index,
				    size_t done, uint8_t *was);

	RegionTable *table_;
	Workspace *workspace_;
	const RegionKey *key_ = nullptr;
	std::vector<uint64_t> undrained_;
	Failure since_fence_;
	uint64_t refused_operation_ = 0;
	Failure refusal_;
	std::vector<uint8_t> elements_; /* of one atomic operation */
};

} // namespace ofi_pmem
