/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A connection that cannot be accepted for want of a descriptor is announced
 * for ever: who waits for events would only spin. It need be no peer's: an
 * inner provider lets strangers connect and say nothing.
 */
#pragma once

#include <cstdint>

#include <fcntl.h>
#include <unistd.h>

namespace ofi_pmem
{

/* How often to look, and for how long then to do nothing without one. */
inline constexpr uint32_t kWakeupsPerLook = 64;
inline constexpr int kExhaustedMs = 2;

/* Whether the process may have one more; `own` is one that it has. */
inline bool descriptors_left(int own) noexcept
{
	int copy = fcntl(own, F_DUPFD_CLOEXEC, 0);
	if (copy >= 0)
		close(copy);
	return copy >= 0;
}

} // namespace ofi_pmem
