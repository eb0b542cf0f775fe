/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Bandwidth of writes to persistent memory, with a window of operations in
 * flight: as they are, delivered, or committed.
 */

#include "pmem_bench.h"

#include <rdma/fi_errno.h>

#include <stdlib.h>
#include <string.h>

static struct pmem_op *ops;

/* Each operation of a window has its slot. */
static int post(size_t slot, size_t size, uint64_t flags)
{
	struct pmem_xfer xfer = {
		.src = slot * pmem_pitch,
		.dst = slot * pmem_pitch,
		.len = size,
		.flags = flags,
	};
	int ret;

	ret = pmem_writemsg(&ops[slot], &xfer);
	if (ret)
		FT_PRINTERR("fi_writemsg", ret);
	return ret;
}

static int transfer(size_t size, uint64_t flags)
{
	int i, ret, total = opts.iterations + opts.warmup_iterations;
	size_t slot;

	/* They begin as if they had completed. */
	for (slot = 0; slot < pmem_slots; slot++)
		ops[slot] = (struct pmem_op){.done = true};
	for (i = 0; i < total; i++) {
		slot = (size_t)i % pmem_slots;
		if (i == opts.warmup_iterations) {
			ret = pmem_wait_all(ops, pmem_slots);
			if (ret)
				return ret;
			ft_start();
		}
		ret = pmem_wait(&ops[slot]);
		ret = ret ? ret : post(slot, size, flags);
		if (ret)
			return ret;
	}
	ret = pmem_wait_all(ops, pmem_slots);
	ft_stop();
	return ret;
}

static int one_op(const struct pmem_bench_op *op, size_t size)
{
	size_t slot;
	int ret;

	for (slot = 0; slot < pmem_slots; slot++)
		pmem_fill(pmem_src + slot * pmem_pitch, size,
			  size + slot + op->flags);
	ret = transfer(size, op->flags);
	if (ret) {
		FT_PRINTERR("waiting for a write", ret);
		return ret;
	}
	if (opts.machr)
		show_perf_mr(size, opts.iterations, &start, &end, 1, opts.argc,
			     opts.argv);
	else
		show_perf((char *)op->name, size, opts.iterations, &start, &end,
			  1);
	return pmem_bench_verify(op, MIN(pmem_slots, (size_t)opts.iterations),
				 size);
}

static int one_size(size_t size)
{
	init_test(&opts, test_name, sizeof(test_name));
	return pmem_bench_each_op(one_op, size);
}

static int client(void)
{
	int ret;

	ops = calloc(pmem_slots, sizeof(*ops));
	if (!ops)
		return -FI_ENOMEM;
	ret = pmem_each_size(one_size);
	/* On failure the operations may still be under way. */
	if (!ret)
		free(ops);
	return ret;
}

int main(int argc, char **argv)
{
	struct pmem_test test = {
		.desc = "Bandwidth of writes to persistent memory.",
		.op_usage = PMEM_BENCH_OP_USAGE,
		.options = FT_OPT_BW,
		.slots = 64,
		.parse = pmem_bench_parse,
		.client = client,
	};

	return pmem_main(argc, argv, &test);
}
