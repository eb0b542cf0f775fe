/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A server of connections may find that the process has no descriptor left. The
 * connection event then stays pending, and a thread that waits for it spins.
 * The connection need not come from a peer: an inner provider lets strangers
 * connect and say nothing.
 *
 * So the server checks every kWakeupsPerLook wake-ups, and then does not wait
 * for connection events for kExhaustedMs.
 */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>

namespace ofi_pmem
{

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
