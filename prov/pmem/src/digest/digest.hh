/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * With digests the two sides of a channel agree that bytes are the same. The
 * service of a target, an initiator that posts from scatter lists and the
 * command-line tool compute them, all by DigestEngine; a device that hashes
 * could be another engine. The algorithms are those of ISA-L, libxxhash and
 * OpenSSL; none is our own.
 *
 * The values of the algorithms are sent over the wire. What arrives may be any
 * number, so every function accepts one that is no algorithm.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ofi_pmem
{

enum class DigestAlgorithm : uint8_t {
	crc32c = 1,	  /* Castagnoli: iSCSI, ext4, NVMe/TCP */
	crc64_nvme = 2,	  /* of NVMe's 64-bit protection information */
	crc64_ecma = 3,	  /* ECMA-182 reflected, as in xz */
	crc16_t10dif = 4, /* of SCSI's protection information */
	xxh3_64 = 5,
	xxh3_128 = 6,
	sha256 = 7, /* alone detects deliberate changes */
};

/* All algorithms, including those that this build cannot compute. */
constexpr std::array<DigestAlgorithm, 7> kDigestAlgorithms{
	DigestAlgorithm::crc32c,     DigestAlgorithm::crc64_nvme,
	DigestAlgorithm::crc64_ecma, DigestAlgorithm::crc16_t10dif,
	DigestAlgorithm::xxh3_64,    DigestAlgorithm::xxh3_128,
	DigestAlgorithm::sha256,
};

constexpr size_t kMaxDigestLength = 32;

/*
 * The first `length` bytes are the digest. Numbers have the most significant
 * byte first, so that hexadecimal digits are what other tools print. Length 0
 * is the digest of a computation that failed, and equals nothing, not even
 * itself.
 */
struct Digest {
	std::array<uint8_t, kMaxDigestLength> bytes{};
	uint8_t length = 0;
};

bool operator==(const Digest &left, const Digest &right) noexcept;
bool operator!=(const Digest &left, const Digest &right) noexcept;

/* Returns hexadecimal digits, lower case; empty if the computation failed. */
std::string to_string(const Digest &digest);

/*
 * Computes one digest after the other. One thread at a time may call it. The
 * split of the bytes into calls does not affect the digest, only the time: a
 * call with many bytes is one call of the library.
 */
class DigestEngine
{
public:
	virtual ~DigestEngine() = default;

	/*
	 * Adds the next bytes. `data` may be null if `size` is 0. Never
	 * allocates; a failure shows in finish().
	 */
	virtual void update(const void *data, size_t size) noexcept = 0;

	/*
	 * Returns the digest of the bytes since the last finish() or reset(),
	 * and starts again. Its length is 0 if the library failed in any call
	 * since then.
	 */
	virtual Digest finish() noexcept = 0;

	/* Forgets the bytes so far. */
	virtual void reset() noexcept = 0;
};

/*
 * Returns null if this build, or OpenSSL as it is configured here, cannot
 * compute it, if it is no algorithm, or if memory is short.
 */
std::unique_ptr<DigestEngine> open_digest(DigestAlgorithm algorithm) noexcept;

/* Returns the length in bytes, or 0 if it is no algorithm. */
size_t digest_length(DigestAlgorithm algorithm) noexcept;

/* The name that users see and write; "unknown" if it is no algorithm. */
const char *to_string(DigestAlgorithm algorithm) noexcept;

/* Gets the algorithm of that name; returns -FI_EINVAL if there is none. */
[[nodiscard]] int parse_digest_algorithm(std::string_view name,
					 DigestAlgorithm *algorithm) noexcept;

/* A set of algorithms: bit 1 << value for each. Unknown bits mean nothing. */
using DigestMask = uint32_t;

constexpr DigestMask digest_bit(DigestAlgorithm algorithm) noexcept
{
	auto value = static_cast<unsigned>(algorithm);
	return value < 32 ? DigestMask{1} << value : 0;
}

/* Returns the first in the list that is in the mask, or DigestAlgorithm{}. */
DigestAlgorithm preferred_digest(const std::vector<DigestAlgorithm> &preference,
				 DigestMask mask) noexcept;

DigestMask mask_of(const std::vector<DigestAlgorithm> &algorithms) noexcept;

/* Returns those that open_digest() opens. It tries each, so it is not for the
 * data path. */
DigestMask available_digests() noexcept;

/* Returns the same, as of the first call. */
DigestMask own_digests() noexcept;

/* Returns "crc32c, xxh3", in the order of their values; "none" for none. */
std::string digest_names(DigestMask mask);

} // namespace ofi_pmem
