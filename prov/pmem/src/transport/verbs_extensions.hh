/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * FLUSH and ATOMIC WRITE, which rdma-core did not always have: version 44 has
 * the latter, 56 both. Without them they are never posted, because no device
 * seems to have them.
 */
#pragma once

#include "config.h"

#include <infiniband/verbs.h>

#include <cstdint>

namespace ofi_pmem
{

/*
 * Bits of ibv_device_attr_ex::device_cap_flags_ex, which the kernel's
 * ib_user_verbs.h has had since Linux 6.2.
 */
inline constexpr uint64_t kDeviceFlushes = uint64_t{3} << 38; /* both kinds */
inline constexpr uint64_t kDeviceWritesAtomically = uint64_t{1} << 40;

#if HAVE_DECL_IBV_WR_FLUSH
inline constexpr bool kHasFlush = true;
inline constexpr int kFlushAccess =
	IBV_ACCESS_FLUSH_GLOBAL | IBV_ACCESS_FLUSH_PERSISTENT;
inline constexpr uint64_t kFlushOps = IBV_QP_EX_WITH_FLUSH;

inline void post_flush(ibv_qp_ex *qp, uint32_t key, uint64_t addr, size_t len,
		       bool persistent) noexcept
{
	ibv_wr_flush(
		qp, key, addr, len,
		static_cast<uint8_t>(IBV_FLUSH_GLOBAL |
				     (persistent ? IBV_FLUSH_PERSISTENT : 0)),
		IBV_FLUSH_RANGE);
}
#else
inline constexpr bool kHasFlush = false;
inline constexpr int kFlushAccess = 0;
inline constexpr uint64_t kFlushOps = 0;

inline void post_flush(ibv_qp_ex *, uint32_t, uint64_t, size_t, bool) noexcept
{
}
#endif

#if HAVE_DECL_IBV_WR_ATOMIC_WRITE
inline constexpr bool kHasAtomicWrite = true;
inline constexpr uint64_t kAtomicWriteOps = IBV_QP_EX_WITH_ATOMIC_WRITE;

inline void post_atomic_write(ibv_qp_ex *qp, uint32_t key, uint64_t addr,
			      const void *word) noexcept
{
	ibv_wr_atomic_write(qp, key, addr, word);
}
#else
inline constexpr bool kHasAtomicWrite = false;
inline constexpr uint64_t kAtomicWriteOps = 0;

inline void post_atomic_write(ibv_qp_ex *, uint32_t, uint64_t,
			      const void *) noexcept
{
}
#endif

} // namespace ofi_pmem
