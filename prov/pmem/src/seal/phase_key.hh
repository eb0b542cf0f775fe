/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The traffic key of one phase of one direction, and the number of the next
 * record, from which its nonce is made. A number is taken once, whether or not
 * the record succeeds, and the next phase goes on where this one ends. Not
 * thread-safe.
 */
#pragma once

#include "seal/cipher.hh"
#include "seal/nonce_audit.hh"
#include "seal/schedule.hh"

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* How much a traffic key may seal, and how many there may be. */
struct PhaseLimits {
	uint64_t max_blocks;
	uint64_t max_records;
	uint32_t max_phases;
};

class PhaseKey
{
public:
	using Direction = CipherContext::Direction;

	/* The audit, which may be null, outlives the object. */
	[[nodiscard]] bool open(const CipherTraits &cipher, Direction direction,
				const TrafficSecret &secret,
				NonceAudit *audit) noexcept;
	/* Makes *next the key after this one. */
	[[nodiscard]] bool derive(PhaseKey *next) const noexcept;

	uint32_t phase() const noexcept { return phase_; }
	/* True if one more record, of so many bytes, is within the limits. */
	bool takes(size_t len, const PhaseLimits &limits) const noexcept;

	/* As in CipherContext. */
	[[nodiscard]] bool seal(const uint8_t *aad, size_t aad_len,
				const iovec *plain, size_t count, size_t len,
				uint8_t *out, uint8_t *tag) noexcept;
	[[nodiscard]] bool unseal(const uint8_t *aad, size_t aad_len,
				  uint8_t *bytes, size_t len,
				  const uint8_t *tag) noexcept;

private:
	/* Returns the nonce of the next record and counts that. */
	void take_nonce(size_t len, uint8_t *nonce) noexcept;

	CipherContext context_;
	const CipherTraits *cipher_ = nullptr;
	Direction direction_ = Direction::seal;
	NonceAudit *audit_ = nullptr;
	TrafficSecret secret_;
	uint8_t iv_[kNonceBytes] = {};
	uint64_t number_ = 0;  /* of the next record of the direction */
	uint64_t records_ = 0; /* under this key, as blocks_ */
	uint64_t blocks_ = 0;
	uint32_t phase_ = 0;
};

} // namespace ofi_pmem
