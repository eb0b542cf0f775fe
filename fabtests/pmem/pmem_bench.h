/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Shared by the benchmarks: the operations that they measure. */
#ifndef PMEM_BENCH_H
#define PMEM_BENCH_H

#include "pmem_shared.h"

#define PMEM_BENCH_OP_USAGE                                                    \
	"write: no flag|deliver: FI_DELIVERY_COMPLETE|commit: "                \
	"FI_COMMIT_COMPLETE|all: one after the other (default: commit)"

struct pmem_bench_op {
	const char *name;
	uint64_t flags;
};

int pmem_bench_parse(int op, char *arg);
int pmem_bench_each_op(int (*fn)(const struct pmem_bench_op *op, size_t size),
		       size_t size);

/*
 * With -v, the server must have what is in the first slots of the local buffer.
 */
int pmem_bench_verify(const struct pmem_bench_op *op, size_t slots,
		      size_t size);

#endif /* PMEM_BENCH_H */
