/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

#include "pmem_bench.h"

#include <rdma/fi_errno.h>

#include <stdlib.h>
#include <strings.h>

static const struct pmem_bench_op bench_ops[] = {
	{"write", 0},
	{"deliver", FI_DELIVERY_COMPLETE},
	{"commit", FI_COMMIT_COMPLETE},
};
static const char *selected = "commit";

static bool is_selected(const char *name)
{
	return !strcasecmp(selected, name) || !strcasecmp(selected, "all");
}

int pmem_bench_parse(int op, char *arg)
{
	size_t i;

	(void)op;
	selected = arg;
	for (i = 0; i < ARRAY_SIZE(bench_ops); i++) {
		if (is_selected(bench_ops[i].name))
			return 0;
	}
	return EXIT_FAILURE;
}

int pmem_bench_each_op(int (*fn)(const struct pmem_bench_op *op, size_t size),
		       size_t size)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(bench_ops); i++) {
		if (is_selected(bench_ops[i].name))
			ret = fn(&bench_ops[i], size);
	}
	return ret;
}

int pmem_bench_verify(const struct pmem_bench_op *op, size_t slots, size_t size)
{
	enum pmem_place place =
		op->flags & FI_COMMIT_COMPLETE ? PMEM_FILE : PMEM_MEMORY;
	size_t i;
	int ret = 0;

	/* A completion without a flag says nothing of the target. */
	if (!op->flags || !ft_check_opts(FT_OPT_VERIFY_DATA))
		return 0;
	for (i = 0; !ret && i < slots; i++)
		ret = pmem_expect(place, i * pmem_pitch,
				  pmem_src + i * pmem_pitch, size, op->name);
	return ret;
}
