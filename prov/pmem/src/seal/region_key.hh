/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A region key: the user's, with an id that both ends know. It never seals
 * anything itself; the traffic keys of each connection are derived from it.
 */
#pragma once

#include "seal/cipher.hh"
#include "seal/secret.hh"

#include <atomic>
#include <cstdint>
#include <limits>

namespace ofi_pmem
{

/* The limits of 0 mean that there are none. */
struct KeyLimits {
	uint64_t max_bytes = 0;
	uint64_t max_records = 0;
};

/* Any thread may use it. */
class RegionKey
{
public:
	RegionKey(uint64_t id, const CipherTraits &cipher,
		  const KeyLimits &limits) noexcept
		: id_(id), cipher_(cipher), limits_(limits)
	{
	}

	uint64_t id() const noexcept { return id_; }
	const CipherTraits &cipher() const noexcept { return cipher_; }
	const KeyLimits &limits() const noexcept { return limits_; }
	/* Empty once it is removed. */
	Secret &secret() noexcept { return secret_; }
	const Secret &secret() const noexcept { return secret_; }

	/* It was removed, or all that its limits allow is used: nothing new may
	 * be begun under it. */
	bool removed() const noexcept { return removed_; }
	bool exhausted() const noexcept;
	bool usable() const noexcept { return !removed() && !exhausted(); }

	/* Wipes the secret, too. */
	void remove() noexcept;

	/* A record with so many bytes of plaintext was sealed or opened. The
	 * first time that 90 % of a limit are reached a warning says so. */
	void count(size_t bytes) noexcept;

	/* UINT64_MAX: there is no limit. 0 if it is exhausted. */
	uint64_t bytes_left() const noexcept;

private:
	const uint64_t id_;
	const CipherTraits &cipher_;
	const KeyLimits limits_;
	Secret secret_;
	std::atomic<bool> removed_{false};
	std::atomic<bool> warned_{false};
	std::atomic<uint64_t> bytes_{0};
	std::atomic<uint64_t> records_{0};
};

} // namespace ofi_pmem
