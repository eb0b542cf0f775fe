/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds the file behind a segment of the process's map. There is no call for
 * that: the file is looked for by its name, by the kernel's link, and among the
 * files that the process has open. Answers and failures to find out are
 * distinguished: an error is a negative fi_errno, and says nothing about the
 * file.
 */
#pragma once

#include "core/owned_fd.hh"
#include "persist/proc_maps.hh"

#include <sys/stat.h>

namespace ofi_pmem
{

struct FoundFile {
	/* It is open with O_PATH. */
	OwnedFd fd;
	struct stat st = {};
};

/* If no way leads to the file, the error is that of the most direct way. */
[[nodiscard]] int locate(const MapSegment &segment, FoundFile *found);

/* Checks whether `readable`, open for reading, is that file; `st` is its. */
[[nodiscard]] int is_mapped_file(int readable, const struct stat &st,
				 const MapSegment &segment, bool *same);

/*
 * Gets the type of the file system, if its content does not survive a power
 * failure; else *name is null.
 */
[[nodiscard]] int volatile_file_system(int fd, const char **name);

/*
 * Returns the same by the device that the map shows, if the file cannot be
 * opened; null also if that cannot be found out.
 */
const char *volatile_device(const MapSegment &segment);

} // namespace ofi_pmem
