/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The numbers of descriptors, and what to do when there are none left
 * (shared/descriptors.hh).
 */
#pragma once

#include "shared/descriptors.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace ofi_pmem
{

/*
 * 0, 1 and 2 belong to standard input, output and error, even if a process was
 * started without them: it writes its messages to whatever has such a number.
 * So no descriptor that we keep has one.
 */
inline constexpr int kFirstDescriptor = 3;

/*
 * Takes `fd` over and returns it, or a copy that has a higher number. Returns
 * -1, with errno, if `fd` is negative or there is no such number left.
 */
inline int above_standard(int fd) noexcept
{
	if (fd < 0 || fd >= kFirstDescriptor)
		return fd;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, kFirstDescriptor);
	int error = errno;
	close(fd);
	errno = error;
	return copy;
}

} // namespace ofi_pmem
