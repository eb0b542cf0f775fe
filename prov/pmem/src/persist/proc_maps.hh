/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The process's own memory map as the kernel reports it (proc(5),
 * /proc/pid/maps and smaps): which file, if any, is behind an address. The
 * lines that cover a range are stable while the application keeps the range
 * mapped, whatever other threads map meanwhile.
 */
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ofi_pmem
{

/* One line of the map. Lines are split where protection or flags differ. */
struct MapSegment {
	uintptr_t start = 0;
	uintptr_t end = 0;
	int protection = 0; /* PROT_READ, PROT_WRITE, PROT_EXEC */
	bool shared = false;
	uint64_t offset = 0; /* in the file, of `start` */
	unsigned device_major = 0;
	unsigned device_minor = 0;
	uint64_t inode = 0; /* 0: not a file */
	std::string path;   /* may end in " (deleted)" */
};

/* The kernel marks the path of a file that has no name any more. */
bool is_marked_deleted(const std::string &path);
std::string without_mark(const std::string &path);

/* Returns false if the line is not the head of a map entry. */
bool parse_map_line(const std::string &line, MapSegment *segment);

/*
 * Gives `take` the lines of a file of proc(5), until it returns false. Returns
 * 0, or a negative fi_errno if the file cannot be opened or read: then nothing
 * is known.
 */
[[nodiscard]] int
for_each_line(const char *path,
	      const std::function<bool(const std::string &)> &take);

/*
 * Gets every segment that overlaps [begin, end), ascending; none twice, even if
 * a neighbour is merged with one while the map is read. Errors are as above.
 */
[[nodiscard]] int read_map(uintptr_t begin, uintptr_t end,
			   std::vector<MapSegment> *segments);

/*
 * Finds out from smaps whether every segment that overlaps [begin, end) was
 * mapped with MAP_SYNC (mmap(2)), which is "sf" among its VmFlags.
 */
class SyncFlag
{
public:
	SyncFlag(uintptr_t begin, uintptr_t end) noexcept
		: begin_(begin), end_(end)
	{
	}

	/* Takes the next line; returns false if no further one is needed. */
	bool take(const std::string &line);
	bool everywhere() const noexcept { return found_ && !missing_; }

private:
	uintptr_t begin_;
	uintptr_t end_;
	bool inside_ = false;
	bool found_ = false;
	bool missing_ = false;
};

/*
 * For this the kernel walks the page tables of everything mapped below `end`,
 * which takes long if that is much. Errors are those of for_each_line().
 */
[[nodiscard]] int is_map_sync(uintptr_t begin, uintptr_t end, bool *sync);

/*
 * True if the inode is the same, whatever its name is now: unlink(2) and
 * rename(2) change what the map shows. On btrfs inodes of two subvolumes can
 * look alike.
 */
bool is_same_inode(const MapSegment &a, const MapSegment &b) noexcept;

/* True if the file is the same, whatever part of it. */
bool is_same_file(const MapSegment &a, const MapSegment &b) noexcept;

/* True if `next` continues `segment`, in memory and in the same file. */
bool is_continued_by(const MapSegment &segment,
		     const MapSegment &next) noexcept;

} // namespace ofi_pmem
