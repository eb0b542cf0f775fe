/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/atomic_request.hh"

#include <cstring>

namespace ofi_pmem
{

wire::Range AtomicRequest::range(size_t index) const noexcept
{
	wire::Range range;
	std::memcpy(&range, ranges_ + index * sizeof(range), sizeof(range));
	return range;
}

/* The ranges must have whole elements, and no more than fit one message. */
bool AtomicRequest::parse_ranges(size_t payload) noexcept
{
	size_t count = range_count();
	if (count > wire::kMaxAtomicRanges ||
	    payload < count * sizeof(wire::Range))
		return false;
	for (size_t i = 0; i < count; i++) {
		uint64_t length = range(i).length;
		if (length > wire::kMaxAtomicBytes - len_ ||
		    (element() && length % element()))
			return false;
		len_ += length;
	}
	return true;
}

bool AtomicRequest::parse(const uint8_t *bytes, size_t len) noexcept
{
	if (!wire::parse(bytes, len, &message_))
		return false;
	ranges_ = bytes + sizeof(message_);
	if (!parse_ranges(len - sizeof(message_)))
		return false;
	size_t ranges = range_count() * sizeof(wire::Range);
	size_t payload = len - sizeof(message_) - ranges;
	/* An unknown operation fails alone: a newer peer may know it. */
	if (!function())
		return true;
	AtomicTraits kind = traits();
	if (kind.must_fetch() && !fetches())
		return false;
	operands_ = ranges_ + ranges;
	comparands_ = operands_ + (kind.compares ? len_ : 0);
	size_t values = size_t{kind.takes_operand} + size_t{kind.compares};
	return payload == values * len_;
}

bool AtomicRequest::one_region() const noexcept
{
	for (size_t i = 1; i < range_count(); i++) {
		if (range(i).token != range(0).token)
			return false;
	}
	return range_count() > 0;
}

} // namespace ofi_pmem
