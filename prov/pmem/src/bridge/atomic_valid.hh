/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The inner provider decides which atomics exist, for its own keys and for
 * ours. If it has none and every region is persistent, the service decides.
 */
#pragma once

#include "bridge/calls.hh"

#include <rdma/fi_atomic.h>

#include <cstddef>

namespace ofi_pmem
{

/*
 * Returns the inner endpoint's answer, or the service's if all atomics are
 * ours (`owned`). One call has no more elements than one request can carry.
 */
[[nodiscard]] int atomic_valid(fid_ep *inner, bool owned, AtomicKind kind,
			       fi_datatype datatype, fi_op op,
			       size_t *count) noexcept;

/* Returns the service's answer, -FI_EOPNOTSUPP for what it does not have. */
[[nodiscard]] int own_atomic_valid(AtomicKind kind, fi_datatype datatype,
				   fi_op op, size_t *count) noexcept;

/* Lowers `count` to what one request can carry. */
size_t limit_atomic_count(fi_datatype datatype, size_t count) noexcept;

} // namespace ofi_pmem
