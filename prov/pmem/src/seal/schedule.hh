/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What is derived from a region key for one connection, by HKDF-SHA-256
 * (RFC 5869). `th`, the hash of all that both sides have said, is the salt, so
 * that nothing is the same for two connections.
 *
 *	PRK       = Extract(th, region key)
 *	proof key = Expand(PRK, "ofi_pmem proof i" | "ofi_pmem proof t", 32)
 *	S         = Expand(PRK, "ofi_pmem i2t" | "ofi_pmem t2i", 32)
 *	key       = Expand(S, "ofi_pmem key", the cipher's)
 *	iv        = Expand(S, "ofi_pmem iv", 12)
 *	next S    = Expand(S, "ofi_pmem ku", 32)
 *	exporter  = Expand(PRK, "ofi_pmem exporter", 32)
 */
#pragma once

#include "seal/region_key.hh"

#include <array>
#include <cstdint>
#include <string_view>

namespace ofi_pmem
{

using Hash = std::array<uint8_t, 32>;

/* Wipes itself. */
struct TrafficSecret {
	Hash bytes{};
	TrafficSecret() = default;
	TrafficSecret(const TrafficSecret &) = default;
	TrafficSecret &operator=(const TrafficSecret &) = default;
	~TrafficSecret();
};

struct TrafficKey {
	uint8_t key[kMaxKeyBytes] = {};
	uint8_t iv[kNonceBytes] = {};
	~TrafficKey();
};

enum class Side { initiator, target };

/* All return false if the library fails. */
[[nodiscard]] bool sha256(const void *bytes, size_t len, Hash *hash) noexcept;
[[nodiscard]] bool hkdf_extract(const uint8_t *salt, size_t salt_len,
				const uint8_t *key, size_t key_len,
				Hash *prk) noexcept;
[[nodiscard]] bool hkdf_expand(const Hash &prk, const void *info,
			       size_t info_len, uint8_t *out,
			       size_t len) noexcept;

class Schedule
{
public:
	/* Fails, too, if the key is removed or another process's. Without it
	 * the others fail. */
	[[nodiscard]] bool open(const RegionKey &key, const Hash &th) noexcept;

	/* HMAC-SHA-256(proof key, th). */
	[[nodiscard]] bool prove(Side who, Hash *proof) const noexcept;
	/* Takes the same time wherever it differs. */
	[[nodiscard]] bool proven(Side who, const Hash &proof) const noexcept;

	/* What `sender` seals with. */
	[[nodiscard]] bool traffic(Side sender,
				   TrafficSecret *secret) const noexcept;
	[[nodiscard]] bool exporter(TrafficSecret *secret) const noexcept;

private:
	[[nodiscard]] bool expand(std::string_view label,
				  TrafficSecret *out) const noexcept;

	TrafficSecret prk_;
	Hash th_{};
	bool opened_ = false;
};

/* A key of the upper layer's own: Expand(exporter, "ofi_pmem export " ||
 * label). At most 1024 bytes. */
[[nodiscard]] bool export_key(const TrafficSecret &exporter,
			      std::string_view label, uint8_t *out,
			      size_t len) noexcept;

/* The key of one phase, and the secret of the next. */
[[nodiscard]] bool derive_key(const TrafficSecret &secret,
			      const CipherTraits &cipher,
			      TrafficKey *key) noexcept;
[[nodiscard]] bool next_secret(TrafficSecret *secret) noexcept;

} // namespace ofi_pmem
