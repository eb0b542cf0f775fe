/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/dirty_ranges.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

bool touches(const wire::Range &a, const wire::Range &b) noexcept
{
	return a.token == b.token && a.offset <= b.offset + b.length &&
	       b.offset <= a.offset + a.length;
}

void cover(wire::Range *target, const wire::Range &other) noexcept
{
	uint64_t end = std::max(target->offset + target->length,
				other.offset + other.length);
	target->offset = std::min(target->offset, other.offset);
	target->length = end - target->offset;
}

} // namespace

bool DirtyRanges::add(const wire::Range &range) noexcept
{
	if (!range.length)
		return true;
	wire::Range *same_region = nullptr;
	/* Newest first: writes are mostly sequential. */
	for (size_t i = count_; i-- > 0;) {
		if (touches(ranges_[i], range)) {
			cover(&ranges_[i], range);
			return true;
		}
		if (ranges_[i].token == range.token && !same_region)
			same_region = &ranges_[i];
	}
	if (count_ < kCapacity) {
		ranges_[count_++] = range;
		return true;
	}
	if (same_region)
		cover(same_region, range);
	return same_region != nullptr;
}

} // namespace ofi_pmem
