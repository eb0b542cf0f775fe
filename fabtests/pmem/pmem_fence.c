/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * FI_FENCE with FI_COMMIT_COMPLETE: when such a write completes, so are all
 * writes before it, whatever their own flags, durable; and its own data never
 * is before theirs. Reads behind a fence see the writes before it.
 */

#include "pmem_shared.h"

#include <rdma/fi_errno.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool fenced = true;
static uint64_t seed;

/* Returns the flags of the fence under test. */
static uint64_t fence_flags(void)
{
	return fenced ? PMEM_FENCED_COMMIT : 0;
}

static struct pmem_xfer plain_write(size_t slot, size_t size)
{
	struct pmem_xfer xfer = {
		.src = slot * pmem_pitch,
		.dst = slot * pmem_pitch + slot % 61,
		.len = size,
	};

	pmem_fill(pmem_src + xfer.src, size, ++seed);
	return xfer;
}

/* Writes to all slots but the last; nobody waits for them. */
static int write_slots(struct pmem_op *ops, size_t size)
{
	struct pmem_xfer xfer;
	size_t i;
	int ret;

	for (i = 0; i < pmem_slots - 1; i++) {
		xfer = plain_write(i, size);
		ret = pmem_writemsg(&ops[i], &xfer);
		if (ret) {
			FT_PRINTERR("fi_writemsg", ret);
			return ret;
		}
	}
	return 0;
}

static int expect_slots(size_t count, size_t size, const char *what)
{
	size_t i;
	int ret = 0;

	for (i = 0; fenced && !ret && i < count; i++)
		ret = pmem_expect(PMEM_FILE, i * pmem_pitch + i % 61,
				  pmem_src + i * pmem_pitch, size, what);
	return ret;
}

/* A fenced commit that has data of its own. */
static int fence_with_data(struct pmem_op *ops, size_t size)
{
	struct pmem_xfer xfer;
	int ret;

	ret = write_slots(ops, size);
	if (ret)
		return ret;
	xfer = plain_write(pmem_slots - 1, size);
	xfer.flags = fence_flags();
	ret = pmem_writemsg(&ops[pmem_slots - 1], &xfer);
	ret = ret ? ret : pmem_wait(&ops[pmem_slots - 1]);
	if (ret) {
		FT_PRINTERR("a fenced commit", ret);
		return ret;
	}
	ret = expect_slots(pmem_slots, size, "fenced commit");
	return ret ? ret : pmem_wait_all(ops, pmem_slots);
}

/* One of no bytes, a drain. */
static int fence_without_data(struct pmem_op *ops, size_t size)
{
	struct pmem_op *drain = &ops[pmem_slots - 1];
	struct pmem_xfer nothing = {.flags = fence_flags()};
	int ret;

	ret = write_slots(ops, size);
	if (ret)
		return ret;
	ret = pmem_writemsg(drain, &nothing);
	ret = ret ? ret : pmem_wait(drain);
	if (ret) {
		FT_PRINTERR("a drain", ret);
		return ret;
	}
	ret = expect_slots(pmem_slots - 1, size, "drain");
	return ret ? ret : pmem_wait_all(ops, pmem_slots);
}

/* Several fences under way, each with its own writes before it. */
static int fence_after_fence(struct pmem_op *ops, size_t size)
{
	struct pmem_xfer xfer;
	size_t i;
	int ret;

	for (i = 0; i < pmem_slots; i++) {
		xfer = plain_write(i, size);
		if (i % 3 == 2)
			xfer.flags = fence_flags();
		ret = pmem_writemsg(&ops[i], &xfer);
		if (ret) {
			FT_PRINTERR("fi_writemsg", ret);
			return ret;
		}
	}
	for (i = 2; i < pmem_slots; i += 3) {
		ret = pmem_wait(&ops[i]);
		if (ret) {
			FT_PRINTERR("a fenced commit", ret);
			return ret;
		}
		ret = expect_slots(i + 1, size, "one of several fences");
		if (ret)
			return ret;
	}
	return pmem_wait_all(ops, pmem_slots);
}

/* A write and, at once, a fenced read of the same bytes. */
static int fenced_read(struct pmem_op *ops, size_t size)
{
	struct pmem_xfer xfer = plain_write(0, size);
	int ret;

	ret = pmem_writemsg(&ops[0], &xfer);
	if (ret) {
		FT_PRINTERR("fi_writemsg", ret);
		return ret;
	}
	xfer.src = pmem_pitch;
	xfer.flags = FI_FENCE;
	memset(pmem_src + xfer.src, 0, size);
	ret = pmem_readmsg(&ops[1], &xfer);
	ret = ret ? ret : pmem_wait_all(ops, 2);
	if (ret) {
		FT_PRINTERR("a fenced read", ret);
		return ret;
	}
	if (memcmp(pmem_src, pmem_src + xfer.src, size)) {
		FT_ERR("a fenced read passes a write, length %zu", size);
		return -FI_EIO;
	}
	return 0;
}

static int one_size(size_t size)
{
	struct pmem_op *ops = calloc(pmem_slots, sizeof(*ops));
	int i, ret = ops ? 0 : -FI_ENOMEM;

	for (i = 0; !ret && i < opts.iterations; i++) {
		ret = fence_with_data(ops, size);
		if (!ret)
			ret = fence_without_data(ops, size);
		if (!ret)
			ret = fence_after_fence(ops, size);
		if (!ret)
			ret = fenced_read(ops, size);
	}
	/* On failure the operations may still be under way. */
	if (ret)
		return ret;
	free(ops);
	printf("%zu bytes: %d rounds OK\n", size, opts.iterations);
	return 0;
}

/*
 * A log: a record in each slot, and a fenced pointer to it in the last. The
 * server is killed with several appends in flight. The pointer in the file must
 * be at least the last one acknowledged, and point behind whole records.
 */
static int crash(void)
{
	size_t i, records = (pmem_slots - 1) & ~(size_t)1, acknowledged = 0;
	size_t size = pmem_pitch - 64, pointer_slot = pmem_slots - 1;
	struct pmem_op *ops = calloc(2 * pmem_slots, sizeof(*ops));
	struct pmem_xfer record, pointer = {.len = sizeof(uint64_t)};
	uint64_t value = 0;
	size_t found = 0, lost = 0;
	int ret = ops ? 0 : -FI_ENOMEM;

	pointer.dst = pointer_slot * pmem_pitch;
	pointer.flags = PMEM_FENCED_COMMIT;
	pointer.src = pointer.dst;
	if (!ret) {
		memset(pmem_src + pointer.src, 0, pmem_pitch);
		ret = pmem_writemsg(&ops[0], &pointer);
		ret = ret ? ret : pmem_wait(&ops[0]);
	}
	pointer.flags = fence_flags();
	for (i = 0; !ret && i < records; i++) {
		record = plain_write(i, size);
		ret = pmem_writemsg(&ops[2 * i], &record);
		value = i + 1;
		pointer.src = pointer_slot * pmem_pitch + 8 * (i + 1) % size;
		memcpy(pmem_src + pointer.src, &value, sizeof(value));
		if (!ret)
			ret = pmem_writemsg(&ops[2 * i + 1], &pointer);
		if (!ret && i < records / 2)
			ret = pmem_wait(&ops[2 * i + 1]);
	}
	if (!ret)
		ret = pmem_crash();
	for (i = 0; !ret && i < 2 * records; i++) {
		if (pmem_wait(&ops[i]) == -FI_ETIMEDOUT)
			ret = -FI_ETIMEDOUT;
		else if (i % 2 && !ops[i].err)
			acknowledged = i / 2 + 1;
	}
	/* Finds out what the pointer is, by its hash. */
	for (value = 0; !ret && value <= records; value++) {
		ret = pmem_differs(PMEM_FILE, pointer.dst, &value,
				   sizeof(value));
		if (!ret)
			break;
		if (ret > 0)
			ret = 0;
	}
	found = value;
	for (i = 0; !ret && i < found && i < records; i++) {
		ret = pmem_differs(PMEM_FILE, i * pmem_pitch + i % 61,
				   pmem_src + i * pmem_pitch, size);
		if (ret > 0) {
			lost++;
			ret = 0;
		}
	}
	if (ret) {
		FT_PRINTERR("the server's death", ret);
		return ret;
	}
	free(ops);
	if (found > records) {
		FT_ERR("the pointer is torn");
		return -FI_EIO;
	}
	printf("crash: pointer %zu of %zu, %zu acknowledged, %zu records "
	       "lost\n",
	       found, records, acknowledged, lost);
	return lost || found < acknowledged ? -FI_EIO : 0;
}

static int client(void)
{
	int ret;

	ret = pmem_each_size(one_size);
	return ret || !pmem_crash_enabled ? ret : crash();
}

static int parse(int op, char *arg)
{
	(void)op;
	if (!strcasecmp(arg, "fence"))
		fenced = true;
	else if (!strcasecmp(arg, "write"))
		fenced = false;
	else
		return EXIT_FAILURE;
	return 0;
}

int main(int argc, char **argv)
{
	struct pmem_test test = {
		.desc = "Fenced commits to persistent memory.",
		.op_usage = "fence, or write: no fences and no commits, so "
			    "that --crash shows loss (default: fence)",
		.caps = FI_FENCE,
		.iterations = 2,
		.slots = 16,
		.parse = parse,
		.client = client,
	};

	return pmem_main(argc, argv, &test);
}
