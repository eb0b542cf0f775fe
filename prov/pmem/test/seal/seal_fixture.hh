/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Keys, and both ends of a sealed stream, for the tests of src/seal. */
#pragma once

#include "seal/key_ring.hh"
#include "seal/record.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace ofi_pmem::test
{

using Bytes = std::vector<uint8_t>;

inline constexpr Cipher kAllCiphers[] = {
	Cipher::aes_128_gcm, Cipher::aes_256_gcm, Cipher::aes_128_ccm,
	Cipher::aes_256_ccm, Cipher::chacha20_poly1305};

inline Bytes from_hex(const std::string &text)
{
	Bytes bytes;
	for (size_t i = 0; i + 1 < text.size(); i += 2)
		bytes.push_back(static_cast<uint8_t>(
			std::stoul(text.substr(i, 2), nullptr, 16)));
	return bytes;
}

inline std::string to_hex(const uint8_t *bytes, size_t len)
{
	std::string text;
	char digits[3];
	for (size_t i = 0; i < len; i++) {
		snprintf(digits, sizeof(digits), "%02x", bytes[i]);
		text += digits;
	}
	return text;
}

inline std::string to_hex(const Bytes &bytes)
{
	return to_hex(bytes.data(), bytes.size());
}

/* Bytes of which neighbours differ, beginning with `first`. */
inline Bytes counting(size_t len, size_t first = 0)
{
	Bytes bytes(len);
	for (size_t i = 0; i < len; i++)
		bytes[i] = static_cast<uint8_t>(first + i * 7 + (i >> 8));
	return bytes;
}

inline Hash counting_hash(uint8_t first)
{
	Hash hash;
	for (size_t i = 0; i < hash.size(); i++)
		hash[i] = static_cast<uint8_t>(first + i);
	return hash;
}

/* The key of the worked example: 00 01 02 ... */
inline std::shared_ptr<RegionKey> make_key(Cipher cipher, uint64_t id = 7,
					   const KeyLimits &limits = {})
{
	const CipherTraits &traits = *cipher_traits(cipher);
	auto key = std::make_shared<RegionKey>(id, traits, limits);
	Hash bytes = counting_hash(0);
	EXPECT_EQ(key->secret().assign(bytes.data(), traits.key_bytes), 0);
	return key;
}

/* One direction of a connection: what one end seals the other one opens. */
class SealedStream
{
public:
	explicit SealedStream(std::shared_ptr<RegionKey> key,
			      const std::string &audit = "", uint8_t th = 0x80,
			      Side side = Side::initiator)
		: SealedStream(key, limits_of(*key), audit, th, side)
	{
	}
	SealedStream(std::shared_ptr<RegionKey> key, const PhaseLimits &limits,
		     const std::string &audit = "", uint8_t th = 0x80,
		     Side side = Side::initiator)
		: sealer(key, limits), opener(key)
	{
		Schedule schedule;
		TrafficSecret secret;
		EXPECT_TRUE(schedule.open(*key, counting_hash(th)));
		EXPECT_TRUE(schedule.traffic(side, &secret));
		EXPECT_TRUE(sealer.open(secret, audit));
		EXPECT_TRUE(opener.open(secret));
	}

	static PhaseLimits limits_of(const RegionKey &key) noexcept
	{
		return RecordKey::limits_of(key.cipher());
	}

	/* Returns the record; empty if it is refused, with `refusal`. */
	Bytes seal(const Bytes &plain)
	{
		Bytes record(plain.size() + kRecordOverhead);
		iovec one{const_cast<uint8_t *>(plain.data()), plain.size()};
		refusal = sealer.seal(&one, 1, plain.size(), record.data());
		return refusal ? Bytes() : record;
	}

	/* Returns the plaintext; empty if it is refused, with `refusal`. */
	Bytes unseal(Bytes record)
	{
		ssize_t len = opener.unseal(record.data());
		refusal = static_cast<int>(std::min<ssize_t>(len, 0));
		if (len < 0)
			return {};
		return Bytes(record.begin() + kRecordHeader,
			     record.begin() + kRecordHeader + len);
	}

	Sealer sealer;
	Opener opener;
	int refusal = 0;
};

} // namespace ofi_pmem::test
