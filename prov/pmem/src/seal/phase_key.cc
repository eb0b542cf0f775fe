/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/phase_key.hh"

#include <cstring>

namespace ofi_pmem
{

namespace
{

/* The header and the tag take a block each, beside those of the plaintext. */
uint64_t blocks_of(size_t len) noexcept
{
	constexpr size_t kBlock = 16;
	return (len + kBlock - 1) / kBlock + 2;
}

} // namespace

bool PhaseKey::open(const CipherTraits &cipher, Direction direction,
		    const TrafficSecret &secret, NonceAudit *audit) noexcept
{
	TrafficKey key;
	if (!derive_key(secret, cipher, &key) ||
	    !context_.open(cipher, direction, key.key) ||
	    (audit && !audit->use(key.key, cipher.key_bytes)))
		return false;
	cipher_ = &cipher;
	direction_ = direction;
	audit_ = audit;
	secret_ = secret;
	std::memcpy(iv_, key.iv, sizeof(iv_));
	records_ = 0;
	blocks_ = 0;
	return true;
}

bool PhaseKey::derive(PhaseKey *next) const noexcept
{
	TrafficSecret secret = secret_;
	if (!cipher_ || !next_secret(&secret) ||
	    !next->open(*cipher_, direction_, secret, audit_))
		return false;
	next->number_ = number_;
	next->phase_ = phase_ + 1;
	return true;
}

bool PhaseKey::takes(size_t len, const PhaseLimits &limits) const noexcept
{
	return records_ < limits.max_records &&
	       blocks_of(len) <= limits.max_blocks - blocks_;
}

void PhaseKey::take_nonce(size_t len, uint8_t *nonce) noexcept
{
	std::memcpy(nonce, iv_, kNonceBytes);
	for (size_t i = 0; i < sizeof(number_); i++)
		nonce[kNonceBytes - 1 - i] ^=
			static_cast<uint8_t>(number_ >> (8 * i));
	number_++;
	records_++;
	blocks_ += blocks_of(len);
}

bool PhaseKey::seal(const uint8_t *aad, size_t aad_len, const iovec *plain,
		    size_t count, size_t len, uint8_t *out,
		    uint8_t *tag) noexcept
{
	uint8_t nonce[kNonceBytes];
	take_nonce(len, nonce);
	return context_.seal(nonce, aad, aad_len, plain, count, len, out,
			     tag) &&
	       (!audit_ || audit_->add(nonce));
}

bool PhaseKey::unseal(const uint8_t *aad, size_t aad_len, uint8_t *bytes,
		      size_t len, const uint8_t *tag) noexcept
{
	uint8_t nonce[kNonceBytes];
	take_nonce(len, nonce);
	return context_.unseal(nonce, aad, aad_len, bytes, len, tag);
}

} // namespace ofi_pmem
