/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The ranges that a channel has written but not yet committed, which a fenced
 * commit must flush, the oldest first. They may grow to cover more than was
 * written (flushing clean bytes is harmless), but never cover less.
 */
#pragma once

#include "protocol/wire.hh"

#include <array>
#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* No CPU in question has longer cache lines. */
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
	 * Never allocates: if there is no room, the two ranges of a region that
	 * are closest to each other become one. Returns false only if no two
	 * are of the same region; the caller then flushes before it goes on.
	 */
	[[nodiscard]] bool add(const wire::Range &range) noexcept;

	/* So many ranges can be added without merging any. */
	size_t room() const noexcept { return kCapacity - count_; }

	/* Forgets so many of the oldest ranges, which were flushed. */
	void remove_oldest(size_t count) noexcept;

	/*
	 * Forgets what a flush of this range covers, except the middle of a
	 * range that extends beyond it on both sides.
	 */
	void remove(const wire::Range &range) noexcept;

	bool overlaps(const wire::Range &range) const noexcept;

	/* Returns the range from the first to the last byte in a region; its
	 * length is 0 if there is none. */
	wire::Range bounds(uint64_t token) const noexcept;

	bool empty() const noexcept { return count_ == 0; }
	size_t size() const noexcept { return count_; }
	const wire::Range *data() const noexcept { return ranges_.data(); }
	void clear() noexcept { count_ = 0; }

private:
	[[nodiscard]] bool merge_closest() noexcept;

	/* There is room for one more, until two are merged. */
	std::array<wire::Range, kCapacity + 1> ranges_;
	size_t count_ = 0;
};

} // namespace ofi_pmem
