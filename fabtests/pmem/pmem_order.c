/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The order of operations on persistent memory: writes that overlap end as
 * posted (FI_ORDER_WAW), reads see the writes before them (FI_ORDER_RAW), a
 * message does not overtake a write (FI_ORDER_SAW), remote CQ data comes after
 * the commit that it announces, and every operation completes once.
 */

#include "pmem_shared.h"

#include <rdma/fi_errno.h>

#include <stdlib.h>
#include <string.h>

static uint64_t seed;

/* Lengths from size down to a quarter, on both sides of provider's limits. */
static size_t piece_len(size_t size, size_t i)
{
	static const size_t divisors[] = {1, 4, 2, 3};
	size_t len = size / divisors[i % ARRAY_SIZE(divisors)];

	return len ? len : 1;
}

/*
 * Writes to the same bytes, one after the other, without waiting; each has its
 * slot of the local buffer. `image` is what they leave. The last one commits.
 */
static int write_over(struct pmem_op *ops, char *image, size_t size)
{
	struct pmem_xfer xfer;
	size_t i, len, at;
	int ret;

	for (i = 0; i < pmem_slots; i++) {
		len = i + 1 < pmem_slots ? piece_len(size, i) : size;
		at = (i * 7) % (size - len + 1);
		xfer = (struct pmem_xfer){
			.src = i * pmem_pitch,
			.dst = at,
			.len = len,
			.flags = i % 5 == 4 ? FI_COMMIT_COMPLETE : 0,
		};
		/* The last leaves some of the others' bytes. */
		if (i + 1 == pmem_slots) {
			xfer.len = (size + 1) / 2;
			xfer.flags = FI_COMMIT_COMPLETE;
		}
		pmem_fill(pmem_src + xfer.src, xfer.len, ++seed);
		memcpy(image + at, pmem_src + xfer.src, xfer.len);
		ret = pmem_writemsg(&ops[i], &xfer);
		if (ret) {
			FT_PRINTERR("fi_writemsg", ret);
			return ret;
		}
	}
	return 0;
}

static int waw(struct pmem_op *ops, char *image, size_t size)
{
	int ret;

	ret = write_over(ops, image, size);
	ret = ret ? ret : pmem_wait_all(ops, pmem_slots);
	if (ret) {
		FT_PRINTERR("writes to the same bytes", ret);
		return ret;
	}
	ret = pmem_drain(&ops[0]);
	ret = ret ? ret : pmem_wait(&ops[0]);
	if (ret) {
		FT_PRINTERR("a drain", ret);
		return ret;
	}
	ret = pmem_expect(PMEM_MEMORY, 0, image, size, "write after write");
	return ret ? ret
		   : pmem_expect(PMEM_FILE, 0, image, size,
				 "write after write");
}

/* Writes and reads of the same bytes in turn, nobody waits. */
static int raw(struct pmem_op *ops, size_t size)
{
	size_t i, pairs = pmem_slots / 2;
	struct pmem_xfer xfer = {.len = size};
	int ret = 0;

	for (i = 0; !ret && i < pairs; i++) {
		xfer.src = 2 * i * pmem_pitch;
		pmem_fill(pmem_src + xfer.src, size, ++seed);
		ret = pmem_writemsg(&ops[2 * i], &xfer);
		xfer.src += pmem_pitch;
		memset(pmem_src + xfer.src, 0, size);
		if (!ret)
			ret = pmem_readmsg(&ops[2 * i + 1], &xfer);
	}
	ret = ret ? ret : pmem_wait_all(ops, 2 * pairs);
	if (ret) {
		FT_PRINTERR("reads after writes", ret);
		return ret;
	}
	for (i = 0; i < pairs; i++) {
		if (memcmp(pmem_src + 2 * i * pmem_pitch,
			   pmem_src + (2 * i + 1) * pmem_pitch, size)) {
			FT_ERR("a read does not see the write before it, "
			       "length %zu",
			       size);
			return -FI_EIO;
		}
	}
	return 0;
}

/* A write and, at once, a message. Who gets the message sees the data. */
static int saw(struct pmem_op *ops, size_t size)
{
	struct pmem_xfer xfer = {.dst = seed % 61, .len = size};
	uint64_t hash, data;
	ssize_t ret;

	pmem_fill(pmem_src, size, ++seed);
	ret = pmem_await(PMEM_MEMORY, true, xfer.dst, size);
	ret = ret ? ret : pmem_writemsg(&ops[0], &xfer);
	if (ret) {
		FT_PRINTERR("fi_writemsg", ret);
		return (int)ret;
	}
	PMEM_POST(&ops[1],
		  fi_send(ep, tx_buf, 1, mr_desc, remote_fi_addr, &ops[1]),
		  ret);
	if (ret) {
		FT_PRINTERR("fi_send", ret);
		return (int)ret;
	}
	ret = pmem_arrived(&hash, &data);
	ret = ret ? ret : pmem_wait_all(ops, 2);
	if (ret) {
		FT_PRINTERR("a message after a write", ret);
		return (int)ret;
	}
	if (hash != pmem_hash(pmem_src, size)) {
		FT_ERR("a message overtakes a write, length %zu", size);
		return -FI_EIO;
	}
	return 0;
}

/* Plain writes, then a fenced one with remote CQ data: all are durable. */
static int data_after_commit(struct pmem_op *ops, size_t size)
{
	struct pmem_xfer xfer = {.len = size};
	uint64_t hash, data;
	int ret = 0;
	size_t i;

	if (!fi->domain_attr->cq_data_size)
		return 0;
	ret = pmem_await(PMEM_FILE, false, 0, size);
	for (i = 0; !ret && i < 3; i++) {
		xfer.src = i * pmem_pitch;
		pmem_fill(pmem_src + xfer.src, size, ++seed);
		if (i == 2) {
			xfer.flags = FI_COMMIT_COMPLETE | FI_REMOTE_CQ_DATA;
			xfer.data = ft_init_cq_data(fi);
		}
		ret = pmem_writemsg(&ops[i], &xfer);
	}
	if (ret) {
		FT_PRINTERR("fi_writemsg", ret);
		return ret;
	}
	ret = pmem_arrived(&hash, &data);
	ret = ret ? ret : pmem_wait_all(ops, 3);
	if (ret) {
		FT_PRINTERR("remote CQ data", ret);
		return ret;
	}
	if (hash != pmem_hash(pmem_src + xfer.src, size) || data != xfer.data) {
		FT_ERR("remote CQ data overtakes the commit, length %zu", size);
		return -FI_EIO;
	}
	return 0;
}

/* They may complete in any order. */
static int complete_once(struct pmem_op *ops, size_t size)
{
	uint64_t until;
	struct pmem_xfer xfer = {.len = size};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < pmem_slots; i++) {
		xfer.dst = i * pmem_pitch;
		xfer.flags = i % 2 ? FI_COMMIT_COMPLETE : 0;
		ret = pmem_writemsg(&ops[i], &xfer);
	}
	ret = ret ? ret : pmem_wait_all(ops, pmem_slots);
	if (ret) {
		FT_PRINTERR("completions", ret);
		return ret;
	}
	for (i = 0; i < pmem_slots; i++)
		ops[i].done = false;
	until = ft_gettime_ms() + 2;
	while (!ret && ft_gettime_ms() < until)
		ret = pmem_poll(false);
	for (i = 0; !ret && i < pmem_slots; i++) {
		if (ops[i].done) {
			FT_ERR("an operation completes twice");
			return -FI_EOTHER;
		}
	}
	return ret;
}

static int one_size(size_t size)
{
	struct pmem_op *ops = calloc(pmem_slots, sizeof(*ops));
	char *image = calloc(1, size);
	int i, ret = ops && image ? 0 : -FI_ENOMEM;

	/* This makes `image` right where nothing is written. */
	if (!ret) {
		struct pmem_xfer zero = {
			.len = size,
			.flags = FI_COMMIT_COMPLETE,
		};

		memset(pmem_src, 0, size);
		ret = pmem_writemsg(&ops[0], &zero);
		ret = ret ? ret : pmem_wait(&ops[0]);
	}
	for (i = 0; !ret && i < opts.iterations; i++) {
		ret = waw(ops, image, size);
		if (!ret)
			ret = raw(ops, size);
		if (!ret)
			ret = saw(ops, size);
		if (!ret)
			ret = data_after_commit(ops, size);
		if (!ret)
			ret = complete_once(ops, size);
		/* They have left other bytes. */
		if (!ret) {
			struct pmem_xfer again = {
				.len = size,
				.flags = FI_COMMIT_COMPLETE,
			};

			memcpy(pmem_src, image, size);
			ret = pmem_writemsg(&ops[0], &again);
			ret = ret ? ret : pmem_wait(&ops[0]);
		}
	}
	free(image);
	/* On failure the operations may still be under way. */
	if (ret)
		return ret;
	free(ops);
	printf("%zu bytes: %d rounds OK\n", size, opts.iterations);
	return 0;
}

static int client(void)
{
	return pmem_each_size(one_size);
}

int main(int argc, char **argv)
{
	struct pmem_test test = {
		.desc = "The order of operations on persistent memory.",
		.caps = FI_FENCE,
		.msg_order = FI_ORDER_WAW | FI_ORDER_RAW | FI_ORDER_SAW,
		.iterations = 10,
		.slots = 16,
		.client = client,
	};

	return pmem_main(argc, argv, &test);
}
