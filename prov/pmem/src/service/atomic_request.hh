/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A parsed wire::Atomic, whose parts fit the message and each other. The
 * executor checks keys, ranges and access. It points into the message, which
 * must outlive it.
 */
#pragma once

#include "protocol/atomic.hh"
#include "protocol/wire.hh"

namespace ofi_pmem
{

class AtomicRequest
{
public:
	/* Returns false if the message is not whole and well-formed. */
	[[nodiscard]] bool parse(const uint8_t *bytes, size_t len) noexcept;

	const wire::Header &header() const noexcept { return message_.header; }
	bool fetches() const noexcept
	{
		return message_.header.flags & wire::kFetch;
	}
	AtomicTraits traits() const noexcept
	{
		return atomic_traits(message_.op);
	}
	/* Returns null if this side does not know the operation. */
	AtomicFunction function() const noexcept
	{
		return find_atomic(message_.datatype, message_.op);
	}
	uint8_t needed_access() const noexcept
	{
		return wire::access_for_atomic(traits().modifies(), fetches());
	}

	size_t range_count() const noexcept { return message_.range_count; }
	wire::Range range(size_t index) const noexcept;

	/* Returns the bytes of one element; len() is the length of all. */
	size_t element() const noexcept
	{
		return atomic_size(message_.datatype);
	}
	size_t len() const noexcept { return len_; }

	/* The operands have as many bytes as the ranges, if the operation takes
	 * any. */
	const uint8_t *operands() const noexcept { return operands_; }
	const uint8_t *comparands() const noexcept { return comparands_; }

	/* Returns true if all ranges are in one region. */
	bool one_region() const noexcept;

private:
	[[nodiscard]] bool parse_ranges(size_t payload) noexcept;

	wire::Atomic message_{};
	const uint8_t *ranges_ = nullptr;
	size_t len_ = 0;
	const uint8_t *operands_ = nullptr;
	const uint8_t *comparands_ = nullptr;
};

} // namespace ofi_pmem
