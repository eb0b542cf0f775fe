/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/layout.hh"

#include <rdma/fi_errno.h>
#include <xxhash.h>

#include <algorithm>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "the log is little-endian");

namespace ofi_pmem_log
{

namespace
{

constexpr uint64_t kMagic = 0x676f6c6d656d7066; /* "fpmemlog" */
constexpr uint64_t kVersion = 1;
constexpr uint64_t kAlign = 8;

uint64_t checksum_of(const Superblock &superblock) noexcept
{
	return XXH3_64bits(&superblock, offsetof(Superblock, checksum));
}

uint64_t checksum_of(const RecordHeader *header, uint64_t id) noexcept
{
	auto covered = reinterpret_cast<const char *>(header) +
		       sizeof(header->checksum);
	return XXH3_64bits_withSeed(
		covered,
		sizeof(*header) - sizeof(header->checksum) + header->len, id);
}

} // namespace

uint64_t space_of(uint64_t len)
{
	return (sizeof(RecordHeader) + len + kAlign - 1) & ~(kAlign - 1);
}

uint64_t capacity_of(uint64_t place_len) noexcept
{
	return (place_len - kRecordsAt) & ~(kLine - 1);
}

Control make_control(uint64_t capacity, uint64_t id) noexcept
{
	Control control{};
	control.superblock = {kMagic, kVersion, capacity, id, 0};
	control.superblock.checksum = checksum_of(control.superblock);
	return control;
}

Fault find_fault(const Control &control, uint64_t place_len) noexcept
{
	const Superblock &superblock = control.superblock;
	if (superblock.magic != kMagic)
		return {-FI_ENODATA, "there is no log"};
	if (superblock.version != kVersion)
		return {-FI_EOPNOTSUPP, "the log is of another version"};
	if (superblock.checksum != checksum_of(superblock) ||
	    !superblock.capacity || superblock.capacity % kAlign)
		return {-FI_EIO, "the log's first line is damaged"};
	if (superblock.capacity > capacity_of(place_len))
		return {-FI_EINVAL, "the log is longer than its place"};
	return {0, nullptr};
}

bool contradicts(const Control &control) noexcept
{
	return control.head > control.pointer ||
	       control.pointer - control.head > control.superblock.capacity ||
	       control.head % kAlign || control.pointer % kAlign;
}

Status status_of(const Control &control) noexcept
{
	return {control.superblock.id, control.superblock.capacity,
		control.head, control.pointer, control.epoch};
}

size_t locate(uint64_t capacity, uint64_t position, size_t len,
	      Span spans[2]) noexcept
{
	uint64_t at = position % capacity;
	size_t first = std::min<uint64_t>(len, capacity - at);
	spans[0] = {kRecordsAt + at, first};
	spans[1] = {kRecordsAt, len - first};
	return first < len ? 2 : 1;
}

void seal(RecordHeader *header, uint64_t id, uint64_t position, uint64_t epoch,
	  uint64_t len) noexcept
{
	*header = {0, position, epoch, len};
	header->checksum = checksum_of(header, id);
}

bool plausible(const RecordHeader &header, uint64_t position,
	       uint64_t limit) noexcept
{
	return header.position == position && header.len <= limit - position &&
	       space_of(header.len) <= limit - position;
}

bool intact(const RecordHeader *header, uint64_t id) noexcept
{
	return header->checksum == checksum_of(header, id);
}

} // namespace ofi_pmem_log
