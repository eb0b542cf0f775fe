/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The numbers of descriptors, and what to do when there are none left.
 */
#pragma once

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>

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

/*
 * If no descriptor is free to accept a connection, the event stays pending and
 * a waiting thread spins. The connection need not come from a peer: an inner
 * provider lets strangers connect and say nothing.
 *
 * So the service checks every kWakeupsPerLook wake-ups, and then does not wait
 * for connection events for kExhaustedMs.
 */
inline constexpr uint32_t kWakeupsPerLook = 64;
inline constexpr int kExhaustedMs = 100;

/* True if the process may have one more; `own` is one that it has. */
inline bool descriptors_left(int own) noexcept
{
	int copy = fcntl(own, F_DUPFD_CLOEXEC, 0);
	if (copy >= 0)
		close(copy);
	return copy >= 0;
}

} // namespace ofi_pmem
