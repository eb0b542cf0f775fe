/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomics of endpoints that have a persistence plane: to a persistent key they
 * are executed by the target's service, to others by the inner provider. What
 * exists is what the inner provider says; for its own keys and for ours. Where
 * it has none and every region is persistent, it is what the service has.
 */
#pragma once

#include <rdma/fi_atomic.h>

namespace ofi_pmem
{

class Endpoint;

enum class AtomicKind : uint8_t { base, fetch, compare };

/* One atomic call, whichever the application used. */
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
 * The inner endpoint's answer, or the service's where atomics are all ours,
 * with no more elements in one call than one request can carry.
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
