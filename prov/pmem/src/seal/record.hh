/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A sealed channel carries records, each
 *
 *	version u8 | phase u8 | 0 u16 | length u32 || ciphertext || tag[16]
 *
 * little endian, with `length` bytes of ciphertext, at least 1. The first eight
 * bytes are authenticated, too. The nonce does not travel: it is the iv of the
 * direction's traffic key, its last eight bytes XORed with the number of the
 * record (big endian), which both sides count from 0 on. A direction changes to
 * its next traffic key, with `phase` one higher, before the cipher's limits are
 * reached; records come in order, so its receiver does the same when the first
 * record of the next phase is there. The numbers go on: did they begin again,
 * nobody would miss a record that was the last of its phase.
 */
#pragma once

#include "core/params.hh"
#include "seal/cipher.hh"
#include "seal/fork_marker.hh"
#include "seal/nonce_audit.hh"
#include "seal/phase_key.hh"
#include "seal/region_key.hh"
#include "seal/schedule.hh"

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace ofi_pmem
{

inline constexpr size_t kRecordHeader = 8;
inline constexpr size_t kRecordOverhead = kRecordHeader + kTagBytes;
inline constexpr size_t kMaxPlain = 65536;
inline constexpr size_t kMaxRecord = kMaxPlain + kRecordOverhead;

/* The length of the records of so many bytes of plaintext. */
constexpr size_t sealed_length(size_t plain) noexcept
{
	return plain + (plain + kMaxPlain - 1) / kMaxPlain * kRecordOverhead;
}

/*
 * Returns the length of the record that begins with these kRecordHeader bytes,
 * or 0 if no record does.
 */
[[nodiscard]] size_t record_length(const uint8_t *header) noexcept;

/* One direction of a connection, at either end. Not thread-safe. */
class RecordKey
{
public:
	static constexpr uint32_t kMaxPhases = 1 << 16;

	/* What the cipher allows. */
	static PhaseLimits limits_of(const CipherTraits &cipher) noexcept
	{
		return {cipher.max_blocks, cipher.max_records, kMaxPhases};
	}

	/* An audit is referred to, and two copies would share nonces. */
	RecordKey(const RecordKey &) = delete;
	RecordKey &operator=(const RecordKey &) = delete;

protected:
	RecordKey(std::shared_ptr<RegionKey> key,
		  const PhaseLimits &limits) noexcept
		: key_(std::move(key)), limits_(limits)
	{
	}

	/* Derives the next traffic key; false if there has been the last. */
	[[nodiscard]] bool derive(PhaseKey *next) const noexcept;

	const std::shared_ptr<RegionKey> key_;
	const PhaseLimits limits_;
	PhaseKey current_;
	int failed_ = 0;
};

class Sealer : private RecordKey
{
public:
	/* The limits are by default the cipher's, or lower by
	 * FI_OFI_PMEM_SEAL_ROLL_RECORDS. The receiver's must not be lower than
	 * the sender's. */
	explicit Sealer(const std::shared_ptr<RegionKey> &key) noexcept;
	Sealer(std::shared_ptr<RegionKey> key,
	       const PhaseLimits &limits) noexcept
		: RecordKey(std::move(key), limits)
	{
	}

	/* `audit` is a path for NonceAudit, or empty. */
	[[nodiscard]] bool
	open(const TrafficSecret &secret,
	     const std::string &audit = params().seal_audit) noexcept;

	/*
	 * Seals `len` bytes, 1 to kMaxPlain, gathered from `plain`, as one
	 * record to `out`, which has len + kRecordOverhead. The bytes may
	 * change meanwhile if others can write them; then the record has some
	 * of both. Returns 0; -FI_EKEYREJECTED if the key was removed or every
	 * phase is used; -FI_EOPNOTSUPP in a child of fork(2), where the
	 * parent's numbers would be used again; -FI_EIO if the library fails;
	 * -FI_EINVAL for another length or fewer bytes.
	 * After an error nothing may be sealed any more.
	 */
	[[nodiscard]] int seal(const iovec *plain, size_t count, size_t len,
			       uint8_t *out) noexcept;

private:
	int prepare(size_t len) noexcept;
	int seal_one(const iovec *plain, size_t count, size_t len,
		     uint8_t *out) noexcept;

	ForkMarker marker_;
	NonceAudit audit_;
	/* A private copy for a cipher that reads twice. */
	std::unique_ptr<uint8_t[]> copy_;
};

class Opener : private RecordKey
{
public:
	explicit Opener(const std::shared_ptr<RegionKey> &key) noexcept
		: Opener(key, limits_of(key->cipher()))
	{
	}
	Opener(std::shared_ptr<RegionKey> key,
	       const PhaseLimits &limits) noexcept
		: RecordKey(std::move(key), limits)
	{
	}

	[[nodiscard]] bool open(const TrafficSecret &secret) noexcept;

	/*
	 * Opens a record of record_length() bytes in place: the plaintext
	 * stands behind its header. Returns its length, -EBADMSG if the record
	 * is not what the peer sealed next, or -FI_EKEYREJECTED if the key was
	 * removed. After an error it opens nothing any more.
	 */
	[[nodiscard]] ssize_t unseal(uint8_t *record) noexcept;

private:
	bool unseal_as(PhaseKey *key, uint8_t *record, size_t len) noexcept;
	bool unseal_next(uint8_t *record, size_t len) noexcept;
};

} // namespace ofi_pmem
