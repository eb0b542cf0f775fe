/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Decides whether memory that the application wants to register is persistent,
 * and opens the file behind it. Persistent is a shared mapping of a file that
 * has a name on a file system with a device below it, or device DAX. For
 * everything else there is an obstacle in words, for the user.
 *
 * The file-system type is that of the file as opened: tmpfs below overlayfs is
 * not recognised (overlayfs does not tell).
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "persist/backend.hh"
#include "persist/dax_memory.hh"
#include "persist/proc_maps.hh"
#include "persist/shared_file.hh"

namespace ofi_pmem
{

/* The file behind a region. */
struct FileMapping {
	/* Open for reading, and for writing if the region is written. */
	SharedFd fd;
	/* The first map segment of the region: names and identifies the file.
	 */
	MapSegment segment;
	/* In the file, of the region's first byte. */
	uint64_t offset = 0;
	/* When the region was opened; of no meaning for device DAX. */
	uint64_t file_size = 0;
	/* What all segments of the region allow. */
	int protection = 0;
	bool device_dax = false;
	bool map_sync = false;
	/* The memory of its device, and that a mapping with MAP_SYNC is not
	 * enough there (check_dax_memory() of sysfs_domain.hh). */
	DaxMemory dax;
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
	 * not mapped. Anything else, and -FI_EACCES as well, when it could not
	 * be found out.
	 */
	int error = 0;
	/*
	 * False when something failed that was needed to tell what the memory
	 * is, or to serve it: no descriptor was left, or the process may not
	 * open the file. It may be persistent memory, so it must not be taken
	 * for anything else.
	 */
	bool known = true;
	/* False when the memory cannot even be served as volatile memory. */
	bool forcible = true;
	/* What the memory is, when error is not 0. */
	std::string obstacle;
	/* Its first segment is known even then, unless nothing is mapped. */
	FileMapping file;
};

/*
 * Tells that a private mapping is the simulated power failure's own work, which
 * stands for the shared mapping that the application made.
 */
using IsCaptured = bool (*)(uintptr_t begin, uintptr_t end);

/*
 * Of a declaration the file counts, which need not have a name in this process
 * then; it is opened anew, or where this process may not, its descriptor is
 * duplicated. Memory that is not written through the region may be mapped, and
 * its file open, for reading only. Logs nothing. Throws std::bad_alloc only.
 */
Inspection inspect_memory(const void *base, size_t len, IsCaptured is_captured,
			  const RegionDeclaration &declared = {},
			  bool written = true);

/* Bytes of a page, a power of two. */
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
