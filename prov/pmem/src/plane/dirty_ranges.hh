/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a channel has written but not yet committed: the ranges that a fenced
 * commit must flush. May grow to cover more than was written (flushing clean
 * bytes is harmless), never less.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "plane/wire.hh"

namespace ofi_pmem
{

/* The longest cache line of the CPUs in question. */
inline constexpr uint64_t kLongestLine = 128;

/* All that can be in a cache line with some of these bytes. */
constexpr wire::Range with_neighbors(wire::Range range) noexcept
{
	uint64_t before =
		range.offset < kLongestLine ? range.offset : kLongestLine - 1;
	range.offset -= before;
	range.length += before + kLongestLine - 1;
	return range;
}

class DirtyRanges
{
public:
	static constexpr size_t kCapacity = wire::kMaxRanges;

	/*
	 * Never fails and never allocates: when full, the range is merged with
	 * one of the same region. False only when the table is full of other
	 * regions; the caller then flushes before it goes on.
	 */
	[[nodiscard]] bool add(const wire::Range &range) noexcept;

	/*
	 * Forgets what a flush of this range covers; not the middle of a range
	 * that goes on on both sides of it.
	 */
	void remove(const wire::Range &range) noexcept;

	bool overlaps(const wire::Range &range) const noexcept;

	/* From the first to the last byte in a region; length 0 if none. */
	wire::Range bounds(uint64_t token) const noexcept;

	bool empty() const noexcept { return count_ == 0; }
	size_t size() const noexcept { return count_; }
	const wire::Range *data() const noexcept { return ranges_.data(); }
	void clear() noexcept { count_ = 0; }

private:
	std::array<wire::Range, kCapacity> ranges_;
	size_t count_ = 0;
};

} // namespace ofi_pmem
