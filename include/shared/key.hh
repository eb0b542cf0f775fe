/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Persistent keys. What fi_mr_key() returns for a persistent region is all that
 * an initiator needs besides the peer's address:
 *
 *   63      62..47               46..0
 *   marker  port of the service  token of the region
 *
 * Keys of ordinary regions have the marker clear. The token is random, except
 * that its highest bit says whether the region is sealed (fi_pmem_seal(7)). It
 * is not guessable; a key is a capability, as an RDMA rkey is.
 */
#pragma once

#include <cstdint>

namespace ofi_pmem
{

class Key
{
public:
	static constexpr uint64_t kMarker = 1ULL << 63;
	static constexpr int kTokenBits = 47;
	static constexpr uint64_t kTokenMask = (1ULL << kTokenBits) - 1;
	static constexpr uint64_t kSealed = 1ULL << (kTokenBits - 1);

	explicit constexpr Key(uint64_t value) noexcept : value_(value) {}

	constexpr Key(uint16_t port, uint64_t token) noexcept
		: value_(kMarker | uint64_t{port} << kTokenBits |
			 (token & kTokenMask))
	{
	}

	constexpr uint64_t value() const noexcept { return value_; }
	constexpr bool persistent() const noexcept { return value_ & kMarker; }
	/* Its region is reached on sealed channels only. */
	constexpr bool sealed() const noexcept { return value_ & kSealed; }
	constexpr uint64_t token() const noexcept
	{
		return value_ & kTokenMask;
	}
	constexpr uint16_t port() const noexcept
	{
		return static_cast<uint16_t>(value_ >> kTokenBits);
	}

private:
	uint64_t value_;
};

} // namespace ofi_pmem
