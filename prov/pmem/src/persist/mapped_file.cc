/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/mapped_file.hh"

#include "persist/mapping.hh"
#include "persist/shared_file.hh"

#include <climits>

#include <dirent.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

namespace ofi_pmem
{

namespace
{

bool is_inode_of(const struct stat &st, const MapSegment &segment)
{
	return st.st_ino == segment.inode &&
	       major(st.st_dev) == segment.device_major &&
	       minor(st.st_dev) == segment.device_minor;
}

/*
 * Asks the kernel to describe a mapping of its own of `fd`. On overlayfs and
 * btrfs st_dev (and on the former st_ino) differ from what the map shows, so
 * only two lines of the map can be compared.
 */
int maps_like(int fd, const MapSegment &segment, bool *alike)
{
	*alike = false;
	void *probe = mmap(nullptr, page_size(), PROT_READ, MAP_SHARED, fd, 0);
	if (probe == MAP_FAILED)
		return errno == ENODEV ? 0 : -errno;
	uintptr_t at = reinterpret_cast<uintptr_t>(probe);
	std::vector<MapSegment> lines;
	int ret = read_map(at, at + page_size(), &lines);
	munmap(probe, page_size());
	if (!ret)
		*alike = lines.size() == 1 && is_same_file(lines[0], segment);
	return ret;
}

} // namespace

int is_mapped_file(int readable, const struct stat &st,
		   const MapSegment &segment, bool *same)
{
	*same = is_inode_of(st, segment);
	if (*same || !S_ISREG(st.st_mode))
		return 0;
	return maps_like(readable, segment, same);
}

namespace
{

/* Does the same for a file that is open with O_PATH. */
int is_mapped_file(const FoundFile &one, const MapSegment &segment, bool *same)
{
	*same = is_inode_of(one.st, segment);
	if (*same || !S_ISREG(one.st.st_mode))
		return 0;
	OwnedFd fd = reopen(one.fd, O_RDONLY);
	return fd ? is_mapped_file(fd.get(), one.st, segment, same) : -errno;
}

/* It is opened with O_PATH, because opening a device may have side effects. */
int open_candidate(const char *path, FoundFile *one)
{
	one->fd = open_fd(path, O_PATH);
	return !one->fd || fstat(one->fd.get(), &one->st) ? -errno : 0;
}

/*
 * The next three functions look for the mapped file. If it is not there, *found
 * stays empty and there is no error; an error says that nothing is known.
 */
int find_by_name(const MapSegment &segment, FoundFile *found)
{
	FoundFile one;
	int ret = open_candidate(segment.path.c_str(), &one);
	if (ret == -ENOENT || ret == -ENOTDIR || ret == -ELOOP)
		return 0;
	bool same = false;
	if (!ret)
		ret = is_mapped_file(one, segment, &same);
	if (same)
		*found = std::move(one);
	return ret;
}

/* Needs CAP_CHECKPOINT_RESTORE (proc(5), map_files). */
int find_by_link(const MapSegment &segment, FoundFile *found)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx",
		 static_cast<unsigned long>(segment.start),
		 static_cast<unsigned long>(segment.end));
	FoundFile one;
	int ret = open_candidate(link, &one);
	if (!ret)
		*found = std::move(one);
	return ret;
}

/* Looks among the files that the process has open, under whatever name. */
int find_among_open(const MapSegment &segment, FoundFile *found)
{
	std::unique_ptr<DIR, int (*)(DIR *)> all(opendir("/proc/self/fd"),
						 closedir);
	if (!all)
		return -errno;
	while (dirent *entry = readdir(all.get())) {
		char name[PATH_MAX];
		ssize_t len = readlinkat(dirfd(all.get()), entry->d_name, name,
					 sizeof(name));
		struct stat st;
		if (len < 0 ||
		    fstatat(dirfd(all.get()), entry->d_name, &st, 0) ||
		    (!is_inode_of(st, segment) &&
		     segment.path !=
			     std::string_view(name, static_cast<size_t>(len))))
			continue;
		FoundFile one;
		std::string link =
			std::string("/proc/self/fd/") + entry->d_name;
		int ret = open_candidate(link.c_str(), &one);
		bool same = false;
		if (!ret)
			ret = is_mapped_file(one, segment, &same);
		if (same) {
			*found = std::move(one);
			return 0;
		}
	}
	return 0;
}

} // namespace

int locate(const MapSegment &segment, FoundFile *found)
{
	int by_name = find_by_name(segment, found);
	if (found->fd)
		return 0;
	int by_link = find_by_link(segment, found);
	if (found->fd)
		return 0;
	int among_open = find_among_open(segment, found);
	if (found->fd)
		return 0;
	return by_name ? by_name : among_open ? among_open : by_link;
}

namespace
{

/* The content of these file systems does not outlive the machine's power. */
constexpr struct {
	unsigned long magic;
	const char *name;
} kVolatile[] = {
	{TMPFS_MAGIC, "tmpfs"},
	{RAMFS_MAGIC, "ramfs"},
	{HUGETLBFS_MAGIC, "hugetlbfs"},
};

} // namespace

int volatile_file_system(int fd, const char **name)
{
	struct statfs fs;
	while (fstatfs(fd, &fs)) {
		if (errno != EINTR)
			return -errno;
	}
	*name = nullptr;
	for (const auto &one : kVolatile) {
		if (static_cast<unsigned long>(fs.f_type) == one.magic)
			*name = one.name;
	}
	return 0;
}

const char *volatile_device(const MapSegment &segment)
{
	const char *name = nullptr;
	std::string device = ' ' + std::to_string(segment.device_major) + ':' +
			     std::to_string(segment.device_minor) + ' ';
	/* See proc(5): "24 1 0:22 / /run rw - tmpfs tmpfs rw,mode=755". */
	auto take = [&](const std::string &line) {
		size_t type = line.find(" - ");
		if (type == line.npos ||
		    line.substr(0, type).find(device) == line.npos)
			return true;
		for (const auto &one : kVolatile) {
			std::string word = std::string(one.name) + ' ';
			if (!line.compare(type + 3, word.size(), word))
				name = one.name;
		}
		return !name;
	};
	return for_each_line("/proc/self/mountinfo", take) ? nullptr : name;
}

} // namespace ofi_pmem
