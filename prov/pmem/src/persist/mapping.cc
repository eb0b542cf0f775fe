/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Goes from an address range to an open file, in steps that each add one fact
 * or stop at an obstacle: segments of the process's map, identity of the file,
 * type of its file system, access to it. Only a fact decides that memory is not
 * persistent; a step that fails says nothing about the memory, and ends with
 * its error.
 */
#include "persist/mapping.hh"

#include "persist/mapped_file.hh"

#include <climits>
#include <rdma/fi_errno.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace ofi_pmem
{

namespace
{

bool starts_with(const std::string &text, std::string_view start)
{
	return text.compare(0, start.size(), start) == 0;
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
 * It could not be found out what the memory is, or its file cannot be opened.
 */
void fail(Inspection *result, int error, std::string obstacle)
{
	stop_for_good(result, error,
		      std::move(obstacle) + " (" + strerror(-error) + ")");
	result->known = false;
	result->file.fd = SharedFd();
}

/*
 * Names shared memory that has a name in the map only: mmap(2) MAP_ANONYMOUS
 * with MAP_SHARED, memfd_create(2), shmget(2), whose inode number may be 0.
 */
const char *nameless_kind(const MapSegment &segment)
{
	if (segment.inode && !starts_with(segment.path, "/"))
		return "an object of the kernel, not of a file system";
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

/*
 * A device that sysfs does not know is not a device DAX; without sysfs nobody
 * knows.
 */
int find_device_dax(const struct stat &st, bool *dax)
{
	*dax = false;
	if (!S_ISCHR(st.st_mode))
		return 0;
	std::string link = "/sys/dev/char/" +
			   std::to_string(major(st.st_rdev)) + ":" +
			   std::to_string(minor(st.st_rdev)) + "/subsystem";
	char target[PATH_MAX];
	if (!realpath(link.c_str(), target)) {
		int error = errno;
		bool has_sysfs = !access("/sys/dev/char", F_OK);
		return error == ENOENT && has_sysfs ? 0 : -error;
	}
	const char *name = strrchr(target, '/');
	*dax = name && !strcmp(name, "/dax");
	return 0;
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

bool check_access(const std::vector<MapSegment> &segments, bool written,
		  Inspection *result)
{
	int needed = written ? PROT_READ | PROT_WRITE : PROT_READ;
	int common = PROT_READ | PROT_WRITE | PROT_EXEC;
	for (const auto &segment : segments)
		common &= segment.protection;
	result->file.protection = common;
	if ((common & needed) == needed)
		return true;
	const MapSegment &first = segments.front();
	stop_for_good(result, -FI_EACCES,
		      std::string("not mapped for reading ") +
			      (written ? "and writing " : "") + "everywhere" +
			      (first.shared && first.inode
				       ? ", but a mapping of " + first.path
				       : ""));
	return false;
}

/* Accepts one contiguous part of one file, mapped shared. */
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
	int ret = find_device_dax(st, &result->file.device_dax);
	if (ret) {
		fail(result, ret,
		     "a mapping of " + path +
			     ", which sysfs cannot be asked about");
		return false;
	}
	if (result->file.device_dax)
		return true;
	if (!S_ISREG(st.st_mode)) {
		stop(result, -FI_EINVAL,
		     "a mapping of " + path +
			     ", which is neither a file nor device DAX");
		return false;
	}
	const char *fs = nullptr;
	ret = volatile_file_system(path_fd, &fs);
	if (ret) {
		fail(result, ret,
		     "a mapping of " + path +
			     ", whose file system cannot be determined");
		return false;
	}
	if (fs) {
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

/* A descriptor must allow the pwrite(2) that stores to a region. */
bool check_descriptor(int fd, bool written, Inspection *result)
{
	int flags = fcntl(fd, F_GETFL);
	int mode = flags & O_ACCMODE;
	int error = -FI_EINVAL;
	const char *fault = nullptr;
	if (flags < 0 || (flags & O_PATH)) {
		fault = "is not an open file";
	} else if (written ? mode != O_RDWR : mode == O_WRONLY) {
		error = -FI_EACCES;
		fault = written ? "is not open for reading and writing"
				: "is not open for reading";
	} else if (flags & (O_APPEND | O_DIRECT)) {
		fault = "is open with O_APPEND or O_DIRECT";
	}
	if (fault)
		stop_for_good(result, error,
			      "declared with file descriptor " +
				      std::to_string(fd) + ", which " + fault);
	return !fault;
}

/* This process may not open the file, but was given an open descriptor. */
bool is_denied(int error)
{
	return error == -EACCES || error == -EPERM || error == -EROFS;
}

bool check_declared(const RegionDeclaration &declared, const FoundFile &file,
		    Inspection *result)
{
	const MapSegment &segment = result->file.segment;
	bool same = false;
	int ret = is_mapped_file(file.fd.get(), file.st, segment, &same);
	if (ret) {
		fail(result, ret,
		     "a mapping of " + segment.path +
			     ", of which nobody can tell whether file "
			     "descriptor " +
			     std::to_string(declared.fd) + " is open of it");
		return false;
	}
	if (!same) {
		stop_for_good(result, -FI_EINVAL,
			      "a mapping of " + segment.path +
				      ", not of declared file descriptor " +
				      std::to_string(declared.fd));
		return false;
	}
	if (declared.offset == result->file.offset)
		return true;
	stop_for_good(result, -FI_EINVAL,
		      "a mapping of " + segment.path + " from offset " +
			      std::to_string(result->file.offset) +
			      " on, and declared from " +
			      std::to_string(declared.offset) + " on");
	return false;
}

void take_declared(const RegionDeclaration &declared, size_t len, bool written,
		   Inspection *result)
{
	const MapSegment &segment = result->file.segment;
	if (!check_descriptor(declared.fd, written, result))
		return;
	FoundFile file;
	file.fd = OwnedFd(fcntl(declared.fd, F_DUPFD_CLOEXEC, 0));
	if (!file.fd || fstat(file.fd.get(), &file.st)) {
		fail(result, -errno,
		     "declared with file descriptor " +
			     std::to_string(declared.fd) +
			     ", which cannot be duplicated");
		return;
	}
	if (!check_declared(declared, file, result) ||
	    !check_file(file.st, file.fd.get(), segment.path, result) ||
	    !check_end(file.st, segment.path, len, result))
		return;
	SharedFile::Ptr opened;
	int ret =
		SharedFile::open(file.fd, written ? O_RDWR : O_RDONLY, &opened);
	if (is_denied(ret))
		ret = SharedFile::adopt(std::move(file.fd), &opened);
	if (ret)
		fail(result, ret,
		     "a mapping of " + segment.path +
			     ", which cannot be opened");
	else
		result->file.fd = opened;
}

void stop_unlocated(const MapSegment &segment, int error, Inspection *result)
{
	if (const char *fs = volatile_device(segment))
		stop(result, -FI_EINVAL,
		     "a file on " + std::string(fs) + ", " + segment.path);
	else if (is_marked_deleted(segment.path))
		fail(result, error,
		     "a mapping of " + without_mark(segment.path) +
			     ", a name that was deleted, and whether the file "
			     "has another cannot be found out");
	else
		fail(result, error,
		     "a mapping of " + segment.path +
			     ", where that file is not found");
}

void open_file(const MapSegment &segment, size_t len, bool written,
	       Inspection *result)
{
	FoundFile file;
	int ret = locate(segment, &file);
	if (ret) {
		stop_unlocated(segment, ret, result);
		return;
	}
	if (!check_file(file.st, file.fd.get(), segment.path, result) ||
	    !check_end(file.st, segment.path, len, result))
		return;
	SharedFile::Ptr opened;
	ret = SharedFile::open(file.fd, written ? O_RDWR : O_RDONLY, &opened);
	if (ret)
		fail(result, ret,
		     "a mapping of " + segment.path +
			     ", which cannot be opened for " +
			     (written ? "writing" : "reading"));
	else
		result->file.fd = opened;
}

/*
 * Files that are not on DAX say so (statx(2)), and are not mapped with
 * MAP_SYNC. If the kernel does not say, it is looked up.
 */
bool may_be_dax(int fd)
{
	struct statx attributes {
	};
	return statx(fd, "", AT_EMPTY_PATH, 0, &attributes) ||
	       !(attributes.stx_attributes_mask & STATX_ATTR_DAX) ||
	       (attributes.stx_attributes & STATX_ATTR_DAX);
}

void learn_map_sync(uintptr_t begin, uintptr_t end, Inspection *result)
{
	FileMapping &file = result->file;
	if (file.device_dax || !may_be_dax(file.fd.get()))
		return;
	int ret = is_map_sync(begin, end, &file.map_sync);
	if (ret)
		fail(result, ret,
		     "a mapping of " + file.segment.path +
			     ", and /proc/self/smaps, which says how it is "
			     "mapped, cannot be read");
}

} // namespace

Inspection inspect_memory(const void *base, size_t len, IsCaptured is_captured,
			  const RegionDeclaration &declared, bool written)
{
	Inspection result;
	uintptr_t begin = reinterpret_cast<uintptr_t>(base);
	uintptr_t end = begin + len;
	if (!len || end < begin) {
		stop_for_good(&result, -FI_EINVAL, "empty");
		return result;
	}
	std::vector<MapSegment> segments;
	int ret = read_map(begin, end, &segments);
	if (ret) {
		fail(&result, ret, "unknown: /proc/self/maps cannot be read");
		return result;
	}
	if (!segments.empty())
		result.file.segment = segments.front();
	if (!check_covered(segments, begin, end, &result) ||
	    !check_access(segments, written, &result) ||
	    !check_sharing(segments, begin, end, is_captured, &result))
		return result;
	const MapSegment &first = result.file.segment;
	result.file.offset = first.offset + (begin - first.start);
	if (declared.fd >= 0)
		take_declared(declared, len, written, &result);
	else
		open_file(first, len, written, &result);
	if (!result.error)
		learn_map_sync(begin, end, &result);
	return result;
}

size_t page_size() noexcept
{
	static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	return size;
}

} // namespace ofi_pmem
