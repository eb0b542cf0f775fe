/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The application's calls towards persistent regions, with one type for each
 * kind. They live as long as the call.
 */
#pragma once

#include "initiator/op.hh"

#include <rdma/fi_atomic.h>
#include <rdma/fi_rma.h>

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* Describes one RMA call towards a persistent key. */
struct RmaCall {
	OpKind kind; /* read or write */
	const fi_msg_rma *msg;
	uint64_t flags;	      /* of the call, or the default ones */
	bool report;	      /* owes a completion entry */
	bool ordered = false; /* see OpRequest */
};

enum class AtomicKind : uint8_t { base, fetch, compare };

/* Describes any atomic call of the application. */
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

/* Describes a flush of ranges of persistent regions, or of these regions. */
struct FlushCall {
	const fi_msg_rma *msg; /* without local buffers */
	FlushScope scope;
	Level level; /* delivery: visible only */
	bool report;
	bool checked = false; /* FI_PMEM_VERIFY; commit only */
};

/* Describes a verification of ranges of persistent regions. */
struct VerifyCall {
	const fi_msg_rma *msg; /* without local buffers */
	VerifyOp verify;
	size_t digests_size; /* bytes */
	bool report;
};

} // namespace ofi_pmem
