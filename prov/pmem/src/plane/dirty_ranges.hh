/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The ranges that a channel has written but not yet committed, which a fenced
 * commit must flush. They may grow to cover more than was written (flushing
 * clean bytes is harmless), but never cover less.
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

/* Extends the range to all bytes that can share a cache line with it. */
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
	 * Never allocates: if the table is full, the range is merged with one
	 * of the same region. Returns false only if the table is full of other
	 * regions; the caller then flushes before it goes on.
	 */
	[[nodiscard]] bool add(const wire::Range &range) noexcept;

	/*
	 * Forgets what a flush of this range covers, except the middle of a
	 * range that extends beyond it on both sides.
	 */
	void remove(const wire::Range &range) noexcept;

	bool overlaps(const wire::Range &range) const noexcept;

	/* Spans the first to the last byte in a region; length 0 if none. */
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
