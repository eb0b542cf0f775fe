/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/dirty_ranges.hh"

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

constexpr uint64_t kApart = UINT64_MAX;

/* Returns the bytes between them, or kApart in different regions. */
uint64_t gap(const wire::Range &a, const wire::Range &b) noexcept
{
	if (a.token != b.token)
		return kApart;
	const wire::Range &first = a.offset < b.offset ? a : b;
	const wire::Range &second = a.offset < b.offset ? b : a;
	uint64_t end = first.offset + first.length;
	return second.offset < end ? 0 : second.offset - end;
}

} // namespace

bool DirtyRanges::add(const wire::Range &range) noexcept
{
	if (!range.length)
		return true;
	/* The newest ones come first, because writes are mostly sequential. */
	for (size_t i = count_; i-- > 0;) {
		if (touches(ranges_[i], range)) {
			cover(&ranges_[i], range);
			return true;
		}
	}
	ranges_[count_++] = range;
	if (count_ <= kCapacity || merge_closest())
		return true;
	count_--;
	return false;
}

bool DirtyRanges::merge_closest() noexcept
{
	uint64_t least = kApart;
	wire::Range *older = nullptr;
	wire::Range *newer = nullptr;
	for (size_t i = 1; i < count_; i++) {
		for (size_t j = 0; j < i; j++) {
			uint64_t between = gap(ranges_[j], ranges_[i]);
			if (between >= least)
				continue;
			least = between;
			older = &ranges_[j];
			newer = &ranges_[i];
		}
	}
	if (!older)
		return false;
	cover(older, *newer);
	std::copy(newer + 1, ranges_.data() + count_, newer);
	count_--;
	return true;
}

void DirtyRanges::remove_oldest(size_t count) noexcept
{
	std::copy(ranges_.data() + count, ranges_.data() + count_,
		  ranges_.data());
	count_ -= count;
}

void DirtyRanges::remove(const wire::Range &range) noexcept
{
	uint64_t end = range.offset + range.length;
	size_t kept = 0;
	for (size_t i = 0; i < count_; i++) {
		wire::Range left = ranges_[i];
		uint64_t left_end = left.offset + left.length;
		if (overlap(left, range)) {
			if (range.offset <= left.offset)
				left.offset = std::min(left_end, end);
			else if (left_end <= end)
				left_end = range.offset;
			left.length = left_end - left.offset;
		}
		if (left.length)
			ranges_[kept++] = left;
	}
	count_ = kept;
}

bool DirtyRanges::overlaps(const wire::Range &range) const noexcept
{
	return std::any_of(
		data(), data() + count_,
		[&](const wire::Range &one) { return overlap(one, range); });
}

wire::Range DirtyRanges::bounds(uint64_t token) const noexcept
{
	wire::Range all{token, 0, 0};
	for (size_t i = 0; i < count_; i++) {
		if (ranges_[i].token != token)
			continue;
		if (all.length)
			cover(&all, ranges_[i]);
		else
			all = ranges_[i];
	}
	return all;
}

} // namespace ofi_pmem
