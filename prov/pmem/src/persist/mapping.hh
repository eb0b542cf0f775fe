/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Decides whether memory that the application wants to register is persistent,
 * and opens the file behind it. Memory is persistent if it is a shared mapping
 * of a file that has a name on a file system with a device below it, or device
 * DAX. Everything else has an obstacle in words, for the user.
 *
 * The file-system type is that of the file as opened: tmpfs below overlayfs is
 * not recognised (overlayfs does not report it).
 */
#pragma once

#include "persist/backend.hh"
#include "persist/dax_memory.hh"
#include "persist/proc_maps.hh"
#include "persist/shared_file.hh"

#include <cstddef>
#include <cstdint>
#include <string>

namespace ofi_pmem
{

/* Describes the file behind a region. */
struct FileMapping {
	/* It is open for reading, and for writing if the region is written. */
	SharedFd fd;
	/* The first map segment of the region names and identifies the file. */
	MapSegment segment;
	/* The region's first byte is at this offset in the file. */
	uint64_t offset = 0;
	/* The size when the region was opened; meaningless for device DAX. */
	uint64_t file_size = 0;
	/* The protection that all segments of the region allow. */
	int protection = 0;
	bool device_dax = false;
	bool map_sync = false;
	/* Describes the memory of its device. */
	DaxMemory dax;
	/* A mapping with MAP_SYNC is not enough there (check_dax_memory() of
	 * sysfs_domain.hh). */
	bool owes_sync = false;

	/* The mapping is persistent memory, not a page cache before it. */
	bool reaches_medium() const noexcept
	{
		return device_dax || (map_sync && !owes_sync);
	}
};

struct Inspection {
	/*
	 * 0: persistent, `file` is valid. -FI_EINVAL: not persistent, or not
	 * the declared file. -FI_EACCES: the mapping is read-only. -FI_EFAULT:
	 * not mapped. Anything else, and also -FI_EACCES: it could not be found
	 * out.
	 */
	int error = 0;
	/*
	 * False if something failed that was needed to find out what the memory
	 * is, or to serve it: no descriptor was left, or the process may not
	 * open the file. It may be persistent memory, so it must not be treated
	 * as anything else.
	 */
	bool known = true;
	/* False if the memory cannot even be served as volatile memory. */
	bool forcible = true;
	/* Says what the memory is, if error is not 0. */
	std::string obstacle;
	/* Its first segment is known even then, unless nothing is mapped. */
	FileMapping file;
};

/*
 * Says whether a private mapping was made by the simulated power failure, and
 * stands for the shared mapping that the application made.
 */
using IsCaptured = bool (*)(uintptr_t begin, uintptr_t end);

/*
 * In a declaration only the file counts, which then need not have a name in
 * this process. The file is opened a second time or, if this process may not,
 * its descriptor is duplicated. Memory that is not written through the region
 * may be mapped, and its file be open, only for reading. Logs nothing. Throws
 * only std::bad_alloc.
 */
Inspection inspect_memory(const void *base, size_t len, IsCaptured is_captured,
			  const RegionDeclaration &declared = {},
			  bool written = true);

/* Returns the bytes of a page, a power of two. */
size_t page_size() noexcept;

inline uint64_t align_down(uint64_t value, uint64_t alignment) noexcept
{
	return value & ~(alignment - 1);
}

inline uint64_t align_up(uint64_t value, uint64_t alignment) noexcept
{
	return align_down(value + alignment - 1, alignment);
}

} // namespace ofi_pmem
