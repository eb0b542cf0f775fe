/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Latency of one write to persistent memory at a time, from the call to the
 * reading of its completion: as it is, delivered, or committed.
 */

#include "pmem_bench.h"

#include <rdma/fi_errno.h>

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static double usec(const uint64_t *sorted, int percent)
{
	int index = (int)((int64_t)opts.iterations * percent / 100);

	return (double)sorted[MIN(index, opts.iterations - 1)] / 1000;
}

static void show(const char *name, size_t size, uint64_t *samples)
{
	static bool header = true;
	char str[FT_STR_LEN];
	uint64_t sum = 0;
	int i;

	qsort(samples, (size_t)opts.iterations, sizeof(*samples), compare);
	for (i = 0; i < opts.iterations; i++)
		sum += samples[i];
	if (opts.machr) {
		printf("- { name: %s, xfer_size: %zu, iterations: %d, "
		       "usec/xfer: %f, min: %f, p50: %f, p99: %f, max: %f }\n",
		       name, size, opts.iterations,
		       (double)sum / 1000 / opts.iterations, usec(samples, 0),
		       usec(samples, 50), usec(samples, 99),
		       usec(samples, 100));
		return;
	}
	if (header)
		printf("%-12s%-8s%-8s%10s%10s%10s%10s%10s%10s\n", "name",
		       "bytes", "iters", "time", "usec/xfer", "min", "p50",
		       "p99", "max");
	header = false;
	printf("%-12s%-8s", name, size_str(str, (long long)size));
	printf("%-8s%9.2fs", cnt_str(str, opts.iterations), (double)sum / 1e9);
	printf("%10.2f%10.2f%10.2f%10.2f%10.2f\n",
	       (double)sum / 1000 / opts.iterations, usec(samples, 0),
	       usec(samples, 50), usec(samples, 99), usec(samples, 100));
}

static int one_op(const struct pmem_bench_op *op, size_t size)
{
	struct pmem_xfer xfer = {.len = size, .flags = op->flags};
	uint64_t began, *samples;
	struct pmem_op done;
	int i, ret = 0;

	samples = calloc((size_t)opts.iterations, sizeof(*samples));
	if (!samples)
		return -FI_ENOMEM;
	pmem_fill(pmem_src, size, size + op->flags);
	for (i = -opts.warmup_iterations; !ret && i < opts.iterations; i++) {
		began = ft_gettime_ns();
		ret = pmem_writemsg(&done, &xfer);
		ret = ret ? ret : pmem_wait(&done);
		if (i >= 0)
			samples[i] = ft_gettime_ns() - began;
	}
	if (ret)
		FT_PRINTERR("a write", ret);
	else
		show(op->name, size, samples);
	free(samples);
	return ret ? ret : pmem_bench_verify(op, 1, size);
}

static int one_size(size_t size)
{
	init_test(&opts, test_name, sizeof(test_name));
	return pmem_bench_each_op(one_op, size);
}

static int client(void)
{
	return pmem_each_size(one_size);
}

int main(int argc, char **argv)
{
	struct pmem_test test = {
		.desc = "Latency of writes to persistent memory.",
		.op_usage = PMEM_BENCH_OP_USAGE,
		.slots = 2,
		.parse = pmem_bench_parse,
		.client = client,
	};

	return pmem_main(argc, argv, &test);
}
