/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds the file that a segment of the process's map is of. There is no call
 * for that: it is looked for by its name, by the kernel's link, and among the
 * files that the process has open. All is told apart from what cannot be told:
 * an error is negative fi_errno, and says nothing of the file.
 */
#pragma once

#include <sys/stat.h>

#include "persist/owned_fd.hh"
#include "persist/proc_maps.hh"

namespace ofi_pmem
{

struct FoundFile {
	/* Open with O_PATH. */
	OwnedFd fd;
	struct stat st = {};
};

/* The error, when no way leads to the file, is that of the most direct one. */
[[nodiscard]] int locate(const MapSegment &segment, FoundFile *found);

/* Whether `readable`, open for reading, is that file; `st` is of it. */
[[nodiscard]] int is_mapped_file(int readable, const struct stat &st,
				 const MapSegment &segment, bool *same);

/*
 * The type of the file system, if it is one whose content does not outlive the
 * machine's power; else *name is null.
 */
[[nodiscard]] int volatile_file_system(int fd, const char **name);

/*
 * Likewise by the device that the map shows, where the file cannot be opened.
 * Null, too, where that cannot be told.
 */
const char *volatile_device(const MapSegment &segment);

} // namespace ofi_pmem
