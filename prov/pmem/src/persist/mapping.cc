/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * From an address range to an open file, in steps that each add one fact or
 * stop at an obstacle: segments of the process's map, identity of the file,
 * type of its file system, write access.
 */
#include "config.h"

#include "persist/mapping.hh"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

namespace
{

constexpr std::string_view kDeleted = " (deleted)";

bool starts_with(const std::string &text, std::string_view start)
{
	return text.compare(0, start.size(), start) == 0;
}

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

void stop(Inspection *result, int error, std::string obstacle)
{
	result->error = error;
	result->obstacle = std::move(obstacle);
}

void stop_for_good(Inspection *result, int error, std::string obstacle)
{
	stop(result, error, std::move(obstacle));
	result->forcible = false;
}

/*
 * Shared memory that has a name in the map only: mmap(2) MAP_ANONYMOUS with
 * MAP_SHARED, memfd_create(2), shmget(2), whose inode number may be 0.
 */
const char *nameless_kind(const MapSegment &segment)
{
	if (!is_marked_deleted(segment.path))
		return nullptr;
	if (starts_with(segment.path, "/dev/zero"))
		return "shared anonymous memory";
	if (starts_with(segment.path, "/memfd:"))
		return "a memfd";
	if (starts_with(segment.path, "/SYSV"))
		return "System V shared memory";
	if (starts_with(segment.path, "/anon_hugepage"))
		return "anonymous huge pages";
	return nullptr;
}

/* File systems whose content does not outlive the machine's power. */
const char *volatile_file_system(int fd)
{
	struct statfs fs;
	if (fstatfs(fd, &fs))
		return nullptr;
	switch (static_cast<unsigned long>(fs.f_type)) {
	case TMPFS_MAGIC:
		return "tmpfs";
	case RAMFS_MAGIC:
		return "ramfs";
	case HUGETLBFS_MAGIC:
		return "hugetlbfs";
	default:
		return nullptr;
	}
}

bool is_device_dax(const struct stat &st)
{
	if (!S_ISCHR(st.st_mode))
		return false;
	std::string link = "/sys/dev/char/" +
			   std::to_string(major(st.st_rdev)) + ":" +
			   std::to_string(minor(st.st_rdev)) + "/subsystem";
	char target[PATH_MAX];
	if (!realpath(link.c_str(), target))
		return false;
	const char *name = strrchr(target, '/');
	return name && !strcmp(name, "/dax");
}

/* Opens what a descriptor stands for, as of O_PATH; see open(2), O_PATH. */
OwnedFd reopen(const OwnedFd &fd, int flags)
{
	std::string link = "/proc/self/fd/" + std::to_string(fd.get());
	return OwnedFd(open(link.c_str(), flags | O_CLOEXEC));
}

/*
 * Asks the kernel to describe a mapping of its own of `fd`. On overlayfs and
 * btrfs st_dev (and on the former st_ino) are not what the map shows, so only
 * two lines of the map can be compared.
 */
bool maps_like(int fd, const MapSegment &segment)
{
	void *probe = mmap(nullptr, page_size(), PROT_READ, MAP_SHARED, fd, 0);
	if (probe == MAP_FAILED)
		return false;
	uintptr_t at = reinterpret_cast<uintptr_t>(probe);
	auto lines = read_map(at, at + page_size());
	munmap(probe, page_size());
	return lines.size() == 1 && is_same_file(lines[0], segment);
}

bool is_inode_of(const struct stat &st, const MapSegment &segment)
{
	return st.st_ino == segment.inode &&
	       major(st.st_dev) == segment.device_major &&
	       minor(st.st_dev) == segment.device_minor;
}

bool is_file_of(const OwnedFd &path_fd, const struct stat &st,
		const MapSegment &segment)
{
	if (is_inode_of(st, segment))
		return true;
	if (!S_ISREG(st.st_mode))
		return false;
	OwnedFd fd = reopen(path_fd, O_RDONLY);
	return fd && maps_like(fd.get(), segment);
}

/*
 * Finds the mapped file: by its path, unless another file took it, else by the
 * kernel's link, which needs CAP_CHECKPOINT_RESTORE (proc(5), map_files). Only
 * O_PATH, because opening a device may have side effects.
 */
OwnedFd locate(const MapSegment &segment, struct stat *st)
{
	OwnedFd by_path(open(segment.path.c_str(), O_PATH | O_CLOEXEC));
	if (by_path && !fstat(by_path.get(), st) &&
	    is_file_of(by_path, *st, segment))
		return by_path;
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx",
		 static_cast<unsigned long>(segment.start),
		 static_cast<unsigned long>(segment.end));
	OwnedFd by_link(open(link, O_PATH | O_CLOEXEC));
	if (by_link && !fstat(by_link.get(), st))
		return by_link;
	return OwnedFd();
}

bool check_covered(const std::vector<MapSegment> &segments, uintptr_t begin,
		   uintptr_t end, Inspection *result)
{
	uintptr_t covered = begin;
	for (const auto &segment : segments) {
		if (segment.start > covered)
			break;
		covered = segment.end;
	}
	if (covered >= end)
		return true;
	stop_for_good(result, -FI_EFAULT, "not mapped everywhere");
	return false;
}

bool check_access(const std::vector<MapSegment> &segments, Inspection *result)
{
	constexpr int kNeeded = PROT_READ | PROT_WRITE;
	int common = kNeeded | PROT_EXEC;
	for (const auto &segment : segments)
		common &= segment.protection;
	result->file.protection = common;
	if ((common & kNeeded) == kNeeded)
		return true;
	stop_for_good(result, -FI_EACCES,
		      "not mapped for reading and writing everywhere");
	return false;
}

/* One contiguous part of one file, mapped shared. */
bool check_sharing(const std::vector<MapSegment> &segments, uintptr_t begin,
		   uintptr_t end, IsCaptured is_captured, Inspection *result)
{
	for (const auto &segment : segments) {
		if (const char *kind = nameless_kind(segment)) {
			stop(result, -FI_EINVAL, kind);
			return false;
		}
		if (!segment.inode) {
			stop(result, -FI_EINVAL, "anonymous memory");
			return false;
		}
		if (!segment.shared &&
		    !is_captured(std::max(segment.start, begin),
				 std::min(segment.end, end))) {
			stop(result, -FI_EINVAL,
			     "a private mapping of " + segment.path);
			return false;
		}
	}
	for (size_t i = 1; i < segments.size(); i++) {
		if (!is_continued_by(segments[i - 1], segments[i])) {
			stop(result, -FI_EINVAL,
			     "not one contiguous part of one file, but of " +
				     segments[i - 1].path + " and " +
				     segments[i].path);
			return false;
		}
	}
	return true;
}

bool check_file(const struct stat &st, int path_fd, const std::string &path,
		Inspection *result)
{
	result->file.device_dax = is_device_dax(st);
	if (result->file.device_dax)
		return true;
	if (!S_ISREG(st.st_mode)) {
		stop(result, -FI_EINVAL,
		     "a mapping of " + path +
			     ", which is neither a file nor device DAX");
		return false;
	}
	if (const char *fs = volatile_file_system(path_fd)) {
		stop(result, -FI_EINVAL,
		     "a file on " + std::string(fs) + ", " + path);
		return false;
	}
	if (!st.st_nlink) {
		stop(result, -FI_EINVAL,
		     "the deleted file " + without_mark(path));
		return false;
	}
	return true;
}

bool check_end(const struct stat &st, const std::string &path, size_t len,
	       Inspection *result)
{
	FileMapping &file = result->file;
	file.file_size = static_cast<uint64_t>(st.st_size);
	if (file.device_dax || file.offset + len <= file.file_size)
		return true;
	stop_for_good(result, -FI_EINVAL,
		      "a mapping that reaches past the end of " + path);
	return false;
}

/* What pwrite(2) needs of a descriptor, to be the store that a region needs. */
bool check_descriptor(int fd, Inspection *result)
{
	int flags = fcntl(fd, F_GETFL);
	int error = -FI_EINVAL;
	const char *fault = nullptr;
	if (flags < 0 || (flags & O_PATH)) {
		fault = "is not an open file";
	} else if ((flags & O_ACCMODE) != O_RDWR) {
		error = -FI_EACCES;
		fault = "is not open for reading and writing";
	} else if (flags & (O_APPEND | O_DIRECT)) {
		fault = "is open with O_APPEND or O_DIRECT";
	}
	if (fault)
		stop_for_good(result, error,
			      "declared with file descriptor " +
				      std::to_string(fd) + ", which " + fault);
	return !fault;
}

void take_declared(const RegionDeclaration &declared, size_t len,
		   Inspection *result)
{
	const MapSegment &segment = result->file.segment;
	if (!check_descriptor(declared.fd, result))
		return;
	OwnedFd fd(fcntl(declared.fd, F_DUPFD_CLOEXEC, 0));
	struct stat st;
	if (!fd || fstat(fd.get(), &st) ||
	    (!is_inode_of(st, segment) &&
	     (!S_ISREG(st.st_mode) || !maps_like(fd.get(), segment)))) {
		stop_for_good(result, -FI_EINVAL,
			      "a mapping of " + segment.path +
				      ", not of declared file descriptor " +
				      std::to_string(declared.fd));
		return;
	}
	if (declared.offset != result->file.offset) {
		stop_for_good(result, -FI_EINVAL,
			      "a mapping of " + segment.path + " from offset " +
				      std::to_string(result->file.offset) +
				      " on, and declared from " +
				      std::to_string(declared.offset) + " on");
		return;
	}
	if (!check_file(st, fd.get(), segment.path, result) ||
	    !check_end(st, segment.path, len, result))
		return;
	OwnedFd own = reopen(fd, O_RDWR);
	result->file.shares_description = !own;
	result->file.fd = own ? std::move(own) : std::move(fd);
}

void open_file(const MapSegment &segment, size_t len, Inspection *result)
{
	struct stat st;
	OwnedFd path_fd = locate(segment, &st);
	if (!path_fd) {
		stop(result, -FI_EINVAL,
		     is_marked_deleted(segment.path)
			     ? "the deleted file " + without_mark(segment.path)
			     : "a mapping of " + segment.path +
				       ", which has that name no longer");
		return;
	}
	if (!check_file(st, path_fd.get(), segment.path, result) ||
	    !check_end(st, segment.path, len, result))
		return;
	result->file.fd = reopen(path_fd, O_RDWR);
	if (!result->file.fd)
		stop(result, -FI_EACCES,
		     "a mapping of " + segment.path +
			     ", which cannot be opened for writing (" +
			     strerror(errno) + ")");
}

} // namespace

Inspection inspect_memory(const void *base, size_t len, IsCaptured is_captured,
			  const RegionDeclaration &declared)
{
	Inspection result;
	uintptr_t begin = reinterpret_cast<uintptr_t>(base);
	uintptr_t end = begin + len;
	if (!len || end < begin) {
		stop_for_good(&result, -FI_EINVAL, "empty");
		return result;
	}
	auto segments = read_map(begin, end);
	if (!check_covered(segments, begin, end, &result) ||
	    !check_access(segments, &result) ||
	    !check_sharing(segments, begin, end, is_captured, &result))
		return result;
	const MapSegment &first = segments.front();
	result.file.segment = first;
	result.file.offset = first.offset + (begin - first.start);
	if (declared.fd >= 0)
		take_declared(declared, len, &result);
	else
		open_file(first, len, &result);
	if (!result.error && !result.file.device_dax)
		result.file.map_sync = is_map_sync(begin, end);
	return result;
}

size_t page_size() noexcept
{
	static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	return size;
}

} // namespace ofi_pmem
