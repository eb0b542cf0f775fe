/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Reads /proc/self/maps and smaps. */
#include "persist/proc_maps.hh"

#include "core/owned_fd.hh"

#include <sys/mman.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <string_view>

namespace ofi_pmem
{

namespace
{

constexpr std::string_view kDeleted = " (deleted)";

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

bool is_marked_deleted(const std::string &path)
{
	return path.size() > kDeleted.size() &&
	       path.compare(path.size() - kDeleted.size(), kDeleted.size(),
			    kDeleted) == 0;
}

std::string without_mark(const std::string &path)
{
	if (!is_marked_deleted(path))
		return path;
	return path.substr(0, path.size() - kDeleted.size());
}

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

int for_each_line(const char *path,
		  const std::function<bool(const std::string &)> &take)
{
	OwnedFd fd = open_fd(path, O_RDONLY);
	if (!fd)
		return -errno;
	std::string text;
	char chunk[16384];
	for (;;) {
		ssize_t count = read(fd.get(), chunk, sizeof(chunk));
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count ? -errno : 0;
		text.append(chunk, static_cast<size_t>(count));
		size_t start = 0;
		for (size_t end = text.find('\n'); end != text.npos;
		     end = text.find('\n', start)) {
			if (!take(text.substr(start, end - start)))
				return 0;
			start = end + 1;
		}
		text.erase(0, start);
	}
}

namespace
{

/*
 * The kernel gives the map page by page; between two pages a segment that was
 * given may become a part of a larger one, which then comes, too.
 */
void append_rest(MapSegment segment, std::vector<MapSegment> *segments)
{
	if (!segments->empty() && segment.start < segments->back().end) {
		uintptr_t seen = segments->back().end;
		if (segment.end <= seen)
			return;
		segment.offset += seen - segment.start;
		segment.start = seen;
	}
	segments->push_back(std::move(segment));
}

} // namespace

int read_map(uintptr_t begin, uintptr_t end, std::vector<MapSegment> *segments)
{
	std::vector<MapSegment> found;
	int ret = for_each_line("/proc/self/maps", [&](const auto &line) {
		MapSegment segment;
		if (!parse_map_line(line, &segment))
			return true;
		if (segment.start >= end)
			return false;
		if (overlaps(segment, begin, end))
			append_rest(std::move(segment), &found);
		return true;
	});
	if (!ret)
		*segments = std::move(found);
	return ret;
}

bool SyncFlag::take(const std::string &line)
{
	MapSegment segment;
	if (parse_map_line(line, &segment)) {
		inside_ = overlaps(segment, begin_, end_);
		return segment.start < end_;
	}
	if (inside_ && line.rfind("VmFlags:", 0) == 0) {
		found_ = true;
		missing_ = missing_ || (line + " ").find(" sf ") == line.npos;
	}
	return !missing_;
}

int is_map_sync(uintptr_t begin, uintptr_t end, bool *sync)
{
	SyncFlag flag(begin, end);
	int ret = for_each_line("/proc/self/smaps", [&](const auto &line) {
		return flag.take(line);
	});
	if (!ret)
		*sync = flag.everywhere();
	return ret;
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
