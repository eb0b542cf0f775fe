/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/record.hh"

#include <openssl/crypto.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace ofi_pmem
{

namespace
{

constexpr uint8_t kRecordVersion = 1;

struct Header {
	uint8_t version;
	uint8_t phase;
	uint16_t reserved;
	uint32_t length;
};

Header read_header(const uint8_t *bytes) noexcept
{
	Header header{};
	header.version = bytes[0];
	header.phase = bytes[1];
	header.reserved = static_cast<uint16_t>(bytes[2] | bytes[3] << 8);
	for (size_t i = 0; i < sizeof(header.length); i++)
		header.length |= static_cast<uint32_t>(bytes[4 + i]) << (8 * i);
	return header;
}

void write_header(uint32_t phase, size_t length, uint8_t *bytes) noexcept
{
	bytes[0] = kRecordVersion;
	bytes[1] = static_cast<uint8_t>(phase);
	bytes[2] = 0;
	bytes[3] = 0;
	for (size_t i = 0; i < 4; i++)
		bytes[4 + i] = static_cast<uint8_t>(length >> (8 * i));
}

/* Returns false if there are fewer than `len` bytes. */
bool copy_gathered(const iovec *from, size_t count, size_t len,
		   uint8_t *to) noexcept
{
	for (size_t i = 0; i < count && len; i++) {
		size_t piece = std::min(from[i].iov_len, len);
		if (!piece)
			continue;
		std::memcpy(to, from[i].iov_base, piece);
		to += piece;
		len -= piece;
	}
	return !len;
}

size_t gathered_length(const iovec *from, size_t count) noexcept
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++)
		len += from[i].iov_len;
	return len;
}

/* What is sealed may be renewed more often than the cipher needs. */
PhaseLimits sealing_limits(PhaseLimits limits) noexcept
{
	uint64_t roll = params().seal_roll_records;
	if (roll)
		limits.max_records = std::min(limits.max_records, roll);
	return limits;
}

} // namespace

size_t record_length(const uint8_t *header) noexcept
{
	Header read = read_header(header);
	bool good = read.version == kRecordVersion && !read.reserved &&
		    read.length && read.length <= kMaxPlain;
	return good ? read.length + kRecordOverhead : 0;
}

bool RecordKey::derive(PhaseKey *next) const noexcept
{
	return current_.phase() + 1 < limits_.max_phases &&
	       current_.derive(next);
}

Sealer::Sealer(const std::shared_ptr<RegionKey> &key) noexcept
	: Sealer(key, sealing_limits(limits_of(key->cipher())))
{
}

bool Sealer::open(const TrafficSecret &secret,
		  const std::string &audit) noexcept
{
	const CipherTraits &cipher = key_->cipher();
	if (cipher.reads_twice)
		copy_.reset(new (std::nothrow) uint8_t[kMaxPlain]);
	return (!cipher.reads_twice || copy_) && marker_.open() &&
	       (audit.empty() || audit_.open(audit.c_str())) &&
	       current_.open(cipher, PhaseKey::Direction::seal, secret,
			     audit_.on() ? &audit_ : nullptr);
}

/* Renews the traffic key if it must. */
int Sealer::prepare(size_t len) noexcept
{
	if (failed_)
		return failed_;
	if (!marker_.own())
		return -FI_EOPNOTSUPP;
	if (key_->removed())
		return -FI_EKEYREJECTED;
	if (!len || len > kMaxPlain)
		return -FI_EINVAL;
	if (current_.takes(len, limits_))
		return 0;
	PhaseKey next;
	if (!derive(&next) || !next.takes(len, limits_))
		return -FI_EKEYREJECTED;
	current_ = std::move(next);
	return 0;
}

int Sealer::seal_one(const iovec *plain, size_t count, size_t len,
		     uint8_t *out) noexcept
{
	iovec copied{copy_.get(), len};
	if (gathered_length(plain, count) < len)
		return -FI_EINVAL;
	if (copy_) {
		if (!copy_gathered(plain, count, len, copy_.get()))
			return -FI_EINVAL;
		plain = &copied;
		count = 1;
	}
	write_header(current_.phase(), len, out);
	if (!current_.seal(out, kRecordHeader, plain, count, len,
			   out + kRecordHeader, out + kRecordHeader + len))
		return -FI_EIO;
	key_->count(len);
	return 0;
}

int Sealer::seal(const iovec *plain, size_t count, size_t len,
		 uint8_t *out) noexcept
{
	failed_ = prepare(len);
	if (!failed_)
		failed_ = seal_one(plain, count, len, out);
	return failed_;
}

bool Opener::open(const TrafficSecret &secret) noexcept
{
	return current_.open(key_->cipher(), PhaseKey::Direction::open, secret,
			     nullptr);
}

bool Opener::unseal_as(PhaseKey *key, uint8_t *record, size_t len) noexcept
{
	uint8_t *bytes = record + kRecordHeader;
	return key->takes(len, limits_) &&
	       key->unseal(record, kRecordHeader, bytes, len, bytes + len);
}

/* The sender may change to the next key before its limits, but not go back. */
bool Opener::unseal_next(uint8_t *record, size_t len) noexcept
{
	PhaseKey next;
	if (!derive(&next) || !unseal_as(&next, record, len))
		return false;
	current_ = std::move(next);
	return true;
}

ssize_t Opener::unseal(uint8_t *record) noexcept
{
	if (failed_)
		return failed_;
	if (key_->removed())
		return failed_ = -FI_EKEYREJECTED;
	size_t full = record_length(record);
	if (!full)
		return failed_ = -EBADMSG;
	size_t len = full - kRecordOverhead;
	uint8_t phase = record[1];
	bool opened = false;
	if (phase == static_cast<uint8_t>(current_.phase()))
		opened = unseal_as(&current_, record, len);
	else if (phase == static_cast<uint8_t>(current_.phase() + 1))
		opened = unseal_next(record, len);
	if (!opened) {
		/* What is not verified must not be read by mistake. */
		OPENSSL_cleanse(record, full);
		return failed_ = -EBADMSG;
	}
	key_->count(len);
	return static_cast<ssize_t>(len);
}

} // namespace ofi_pmem
