/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The log as it lies in memory, little-endian:
 *
 *     0  magic, version, capacity, id, checksum of these
 *    64  head       each a 64-bit word on a line of its own, written by
 *   128  pointer    fenced commits, which a power failure does not tear
 *   192  epoch      counts the writers
 *  4096  records, at their position modulo the capacity; one may wrap
 *
 * A record is a header and its bytes, padded to 8. The checksum, XXH3-64 with
 * the id as its seed, covers the rest of the header and the bytes.
 *
 * The epoch keeps apart what two writers left behind the pointer. The first may
 * have left a record there that was complete, behind one that was not; the
 * second overwrites the torn one, which must not bring the other back.
 */
#pragma once

#include <ofi_pmem/log.hh>

#include <cstddef>
#include <cstdint>

namespace ofi_pmem_log
{

constexpr uint64_t kLine = 64;
constexpr uint64_t kHeadAt = 1 * kLine;
constexpr uint64_t kPointerAt = 2 * kLine;
constexpr uint64_t kEpochAt = 3 * kLine;
constexpr uint64_t kControlBytes = 4 * kLine;
constexpr uint64_t kRecordsAt = 4096;

struct Superblock {
	uint64_t magic;
	uint64_t version;
	uint64_t capacity;
	uint64_t id;
	uint64_t checksum;
};

/* The first kControlBytes have this content. */
struct Control {
	alignas(kLine) Superblock superblock;
	alignas(kLine) uint64_t head;
	alignas(kLine) uint64_t pointer;
	alignas(kLine) uint64_t epoch;
};
static_assert(sizeof(Control) == kControlBytes &&
	      offsetof(Control, head) == kHeadAt &&
	      offsetof(Control, pointer) == kPointerAt &&
	      offsetof(Control, epoch) == kEpochAt);

struct RecordHeader {
	uint64_t checksum;
	uint64_t position;
	uint64_t epoch;
	uint64_t len; /* without header and padding */
};

/* Returns the capacity of a log in this many bytes. */
uint64_t capacity_of(uint64_t place_len) noexcept;

/* Makes a new, empty log. */
Control make_control(uint64_t capacity, uint64_t id) noexcept;

/* Says what is wrong with a log; nothing is if `ret` is 0. */
struct Fault {
	int ret; /* a negative fi_errno */
	const char *text;
};

/* Checks whether there is a log, in a place of this many bytes. */
Fault find_fault(const Control &control, uint64_t place_len) noexcept;

/*
 * Returns whether the words contradict each other, which they also do when a
 * writer changed them while they were read.
 */
bool contradicts(const Control &control) noexcept;

Status status_of(const Control &control) noexcept;

/* Bytes of the log that lie together in the place. */
struct Span {
	uint64_t offset;
	size_t len;
};

/*
 * Finds where `len` bytes at `position` lie. Returns the number of spans, 1 or
 * 2.
 */
size_t locate(uint64_t capacity, uint64_t position, size_t len,
	      Span spans[2]) noexcept;

/* Fills in the header of the `len` bytes that follow it. */
void seal(RecordHeader *header, uint64_t id, uint64_t position, uint64_t epoch,
	  uint64_t len) noexcept;

/*
 * Returns whether this can be the header of a record at `position` that ends at
 * or before `limit`: its length may then be used, for now.
 */
bool plausible(const RecordHeader &header, uint64_t position,
	       uint64_t limit) noexcept;

/*
 * Returns whether the record that `header` begins, all of it in memory, is
 * intact.
 */
bool intact(const RecordHeader *header, uint64_t id) noexcept;

} // namespace ofi_pmem_log
