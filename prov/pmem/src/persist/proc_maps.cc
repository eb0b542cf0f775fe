/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Reads /proc/self/maps and smaps. */
#include "config.h"

#include "persist/proc_maps.hh"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>

#include <sys/mman.h>

namespace ofi_pmem
{

namespace
{

/* The kernel escapes a newline in a path, and nothing else. */
std::string unescape_path(std::string path)
{
	static constexpr char kNewline[] = "\\012";
	for (size_t at = path.find(kNewline); at != path.npos;
	     at = path.find(kNewline, at + 1))
		path.replace(at, 4, "\n");
	return path;
}

bool overlaps(const MapSegment &segment, uintptr_t begin,
	      uintptr_t end) noexcept
{
	return segment.start < end && begin < segment.end;
}

} // namespace

bool parse_map_line(const std::string &line, MapSegment *segment)
{
	char perms[5] = {};
	int path_at = -1;
	MapSegment parsed;
	int fields = sscanf(line.c_str(),
			    "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64
			    " %x:%x %" SCNu64 " %n",
			    &parsed.start, &parsed.end, perms, &parsed.offset,
			    &parsed.device_major, &parsed.device_minor,
			    &parsed.inode, &path_at);
	if (fields != 7)
		return false;
	parsed.protection = (perms[0] == 'r' ? PROT_READ : 0) |
			    (perms[1] == 'w' ? PROT_WRITE : 0) |
			    (perms[2] == 'x' ? PROT_EXEC : 0);
	parsed.shared = perms[3] == 's';
	if (path_at > 0)
		parsed.path = unescape_path(line.substr(path_at));
	*segment = std::move(parsed);
	return true;
}

std::vector<MapSegment> read_map(uintptr_t begin, uintptr_t end)
{
	std::vector<MapSegment> segments;
	std::ifstream maps("/proc/self/maps");
	std::string line;
	MapSegment segment;
	while (std::getline(maps, line)) {
		if (parse_map_line(line, &segment) &&
		    overlaps(segment, begin, end))
			segments.push_back(segment);
	}
	return segments;
}

bool has_sync_flag(std::istream &smaps, uintptr_t begin, uintptr_t end)
{
	std::string line;
	MapSegment segment;
	bool inside = false;
	bool found = false;
	while (std::getline(smaps, line)) {
		if (parse_map_line(line, &segment)) {
			inside = overlaps(segment, begin, end);
		} else if (inside && line.rfind("VmFlags:", 0) == 0) {
			if ((line + " ").find(" sf ") == line.npos)
				return false;
			found = true;
		}
	}
	return found;
}

bool is_map_sync(uintptr_t begin, uintptr_t end)
{
	std::ifstream smaps("/proc/self/smaps");
	return has_sync_flag(smaps, begin, end);
}

bool is_same_inode(const MapSegment &a, const MapSegment &b) noexcept
{
	return a.inode == b.inode && a.device_major == b.device_major &&
	       a.device_minor == b.device_minor;
}

bool is_same_file(const MapSegment &a, const MapSegment &b) noexcept
{
	return is_same_inode(a, b) && a.path == b.path;
}

bool is_continued_by(const MapSegment &segment, const MapSegment &next) noexcept
{
	return segment.end == next.start && is_same_file(segment, next) &&
	       segment.offset + (segment.end - segment.start) == next.offset;
}

} // namespace ofi_pmem
