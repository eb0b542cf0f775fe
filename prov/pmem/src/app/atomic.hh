/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomics of endpoints that have a persistence plane. The target's service
 * executes those to a persistent key, the inner provider all others. The inner
 * provider decides which atomics exist, for its own keys and for ours. If it
 * has none and every region is persistent, the service decides.
 */
#pragma once

#include <rdma/fi_atomic.h>

namespace ofi_pmem
{

class Endpoint;

enum class AtomicKind : uint8_t { base, fetch, compare };

/* Any atomic call of the application. */
struct AtomicCall {
	const fi_msg_atomic *msg;
	uint64_t flags; /* of the call, or the default ones */
	bool report;	/* owes a completion entry */
	AtomicKind kind = AtomicKind::base;
	const fi_ioc *compare = nullptr;
	size_t compare_count = 0;
	const fi_ioc *result = nullptr;
	size_t result_count = 0;
};

/*
 * Returns the inner endpoint's answer, or the service's if all atomics are
 * ours. One call has no more elements than one request can carry.
 */
[[nodiscard]] int atomic_valid(const Endpoint &ep, AtomicKind kind,
			       fi_datatype datatype, fi_op op,
			       size_t *count) noexcept;

/* The service's answer: -FI_EOPNOTSUPP for what it does not have. */
[[nodiscard]] int own_atomic_valid(AtomicKind kind, fi_datatype datatype,
				   fi_op op, size_t *count) noexcept;

/* Lowers `count` to what one request can carry. */
size_t limit_atomic_count(fi_datatype datatype, size_t count) noexcept;

extern fi_ops_atomic plane_atomic_ops;

} // namespace ofi_pmem
