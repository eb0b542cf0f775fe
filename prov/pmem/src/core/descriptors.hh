/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The numbers of descriptors, and what happens when there are none left.
 */
#pragma once

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>

namespace ofi_pmem
{

/*
 * 0, 1 and 2 belong to standard input, output and error, also where a process
 * was started without them: whatever has such a number is what the process
 * writes its messages to. So nothing that is kept has one.
 */
inline constexpr int kFirstDescriptor = 3;

/*
 * Takes `fd` over and returns it, or in its place a copy that has a number of
 * its own. -1, with errno, if it is negative or there is no such number left.
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

/*
 * A connection that cannot be accepted for want of a descriptor is announced
 * for ever: who waits for events would only spin. It need be no peer's: an
 * inner provider lets strangers connect and say nothing.
 *
 * How often to look, and for how long then not to wait for connection events.
 */
inline constexpr uint32_t kWakeupsPerLook = 64;
inline constexpr int kExhaustedMs = 100;

/* Whether the process may have one more; `own` is one that it has. */
inline bool descriptors_left(int own) noexcept
{
	int copy = fcntl(own, F_DUPFD_CLOEXEC, 0);
	if (copy >= 0)
		close(copy);
	return copy >= 0;
}

} // namespace ofi_pmem
