/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes with FI_COMMIT_COMPLETE: when one completes, its data is in the file
 * that the target's region maps. Every way to write, and what must fail.
 */

#include "pmem_shared.h"

#include <rdma/fi_errno.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool commit = true;
static uint64_t seed;

static uint64_t commit_flag(void)
{
	return commit ? FI_COMMIT_COMPLETE : 0;
}

/* Fills the slot with new bytes, at an offset that is rarely aligned. */
static struct pmem_xfer next_xfer(size_t slot, size_t size)
{
	struct pmem_xfer xfer = {
		.src = slot * pmem_pitch,
		.dst = slot * pmem_pitch + seed % 61,
		.len = size,
		.flags = commit_flag(),
	};

	pmem_fill(pmem_src + xfer.src, size, ++seed);
	return xfer;
}

/* Waits; then the data is durable, and visible. */
static int expect_committed(struct pmem_op *op, const struct pmem_xfer *xfer,
			    const char *what)
{
	int ret;

	ret = pmem_wait(op);
	if (ret) {
		FT_PRINTERR("waiting for a commit", ret);
		return ret;
	}
	if (!commit)
		return 0;
	ret = pmem_expect(PMEM_FILE, xfer->dst, pmem_src + xfer->src, xfer->len,
			  what);
	return ret ? ret
		   : pmem_expect(PMEM_MEMORY, xfer->dst, pmem_src + xfer->src,
				 xfer->len, what);
}

static int commit_msg(size_t size, size_t iovs, size_t rma_iovs,
		      const char *what)
{
	struct pmem_xfer xfer = next_xfer(0, size);
	struct pmem_op op;
	int ret;

	xfer.iovs = iovs;
	xfer.rma_iovs = rma_iovs;
	ret = pmem_writemsg(&op, &xfer);
	if (ret) {
		FT_PRINTERR("fi_writemsg", ret);
		return ret;
	}
	return expect_committed(&op, &xfer, what);
}

/* The buffer is the caller's again as soon as the call returns. */
static int commit_injected(size_t size)
{
	struct pmem_xfer xfer = next_xfer(1, size);
	struct pmem_op op;
	int ret;

	if (size > fi->tx_attr->inject_size)
		return 0;
	xfer.flags |= FI_INJECT;
	ret = pmem_writemsg(&op, &xfer);
	if (ret) {
		FT_PRINTERR("fi_writemsg with FI_INJECT", ret);
		return ret;
	}
	memset(pmem_src + xfer.src, 0, size);
	ret = pmem_wait(&op);
	if (ret) {
		FT_PRINTERR("waiting for an injected commit", ret);
		return ret;
	}
	pmem_fill(pmem_src + xfer.src, size, seed);
	return expect_committed(&op, &xfer, "injected commit");
}

/* A server that learns that data arrived finds it durable. */
static int commit_with_data(size_t size)
{
	struct pmem_xfer xfer = next_xfer(2, size);
	struct pmem_op op;
	uint64_t hash, data;
	int ret;

	if (!fi->domain_attr->cq_data_size)
		return 0;
	xfer.flags |= FI_REMOTE_CQ_DATA;
	xfer.data = ft_init_cq_data(fi);
	ret = pmem_await(PMEM_FILE, false, xfer.dst, size);
	if (ret)
		return ret;
	ret = pmem_writemsg(&op, &xfer);
	if (ret) {
		FT_PRINTERR("fi_writemsg with FI_REMOTE_CQ_DATA", ret);
		return ret;
	}
	ret = pmem_arrived(&hash, &data);
	if (ret) {
		FT_PRINTERR("awaiting remote CQ data", ret);
		return ret;
	}
	if (data != xfer.data) {
		FT_ERR("remote CQ data is %" PRIx64 ", not %" PRIx64, data,
		       xfer.data);
		return -FI_EIO;
	}
	if (commit && hash != pmem_hash(pmem_src + xfer.src, size)) {
		FT_ERR("remote CQ data came before the commit, length %zu",
		       size);
		return -FI_EIO;
	}
	return expect_committed(&op, &xfer, "commit with remote CQ data");
}

/* Calls without flags, on an endpoint whose default is to commit. */
static int commit_by_default(size_t size)
{
	struct pmem_xfer xfer = next_xfer(3, size);
	struct iovec iov[2];
	void *desc[2] = {pmem_src_desc(), pmem_src_desc()};
	struct pmem_op op;
	ssize_t ret;

	PMEM_POST(&op,
		  fi_write(ep, pmem_src + xfer.src, size, pmem_src_desc(),
			   remote_fi_addr, pmem_remote.addr + xfer.dst,
			   pmem_remote.key, &op),
		  ret);
	if (ret) {
		FT_PRINTERR("fi_write", ret);
		return (int)ret;
	}
	ret = expect_committed(&op, &xfer, "fi_write that commits by default");
	if (ret || fi->tx_attr->iov_limit < 2)
		return (int)ret;

	xfer = next_xfer(3, size);
	iov[0].iov_base = pmem_src + xfer.src;
	iov[0].iov_len = size / 3;
	iov[1].iov_base = pmem_src + xfer.src + size / 3;
	iov[1].iov_len = size - size / 3;
	PMEM_POST(&op,
		  fi_writev(ep, iov, desc, 2, remote_fi_addr,
			    pmem_remote.addr + xfer.dst, pmem_remote.key, &op),
		  ret);
	if (ret) {
		FT_PRINTERR("fi_writev", ret);
		return (int)ret;
	}
	return expect_committed(&op, &xfer,
				"fi_writev that commits by default");
}

static int read_back(size_t size)
{
	struct pmem_xfer xfer = next_xfer(0, size);
	struct pmem_op op;
	int ret;

	ret = pmem_writemsg(&op, &xfer);
	ret = ret ? ret : pmem_wait(&op);
	if (ret) {
		FT_PRINTERR("a commit to be read back", ret);
		return ret;
	}
	xfer.src = pmem_pitch;
	xfer.flags = 0;
	memset(pmem_src + xfer.src, 0, size);
	ret = pmem_readmsg(&op, &xfer);
	ret = ret ? ret : pmem_wait(&op);
	if (ret) {
		FT_PRINTERR("reading back", ret);
		return ret;
	}
	if (memcmp(pmem_src, pmem_src + xfer.src, size)) {
		FT_ERR("a read returns other data than was committed");
		return -FI_EIO;
	}
	return 0;
}

/* Commits many at a time, each in its slot. */
static int commit_many(size_t size)
{
	struct pmem_op *ops = calloc(pmem_slots, sizeof(*ops));
	struct pmem_xfer xfer;
	size_t i;
	int ret = ops ? 0 : -FI_ENOMEM;

	for (i = 0; !ret && i < pmem_slots; i++) {
		xfer = next_xfer(i, size);
		xfer.dst = i * pmem_pitch;
		ret = pmem_writemsg(&ops[i], &xfer);
	}
	ret = ret ? ret : pmem_wait_all(ops, pmem_slots);
	if (ret)
		FT_PRINTERR("many commits", ret);
	for (i = 0; commit && !ret && i < pmem_slots; i++)
		ret = pmem_expect(PMEM_FILE, i * pmem_pitch,
				  pmem_src + i * pmem_pitch, size,
				  "many commits");
	free(ops);
	return ret;
}

static int one_size(size_t size)
{
	int i, ret = 0;

	for (i = 0; !ret && i < opts.iterations; i++) {
		ret = commit_msg(size, 1, 1, "commit");
		if (!ret && fi->tx_attr->iov_limit > 1)
			ret = commit_msg(size, 2, 1, "gathered commit");
		if (!ret && fi->tx_attr->rma_iov_limit > 1)
			ret = commit_msg(size, 1, 2, "scattered commit");
		if (!ret)
			ret = commit_injected(size);
		if (!ret)
			ret = commit_with_data(size);
		if (!ret && pmem_default_commit)
			ret = commit_by_default(size);
		if (!ret)
			ret = read_back(size);
		if (!ret)
			ret = commit_many(size);
	}
	if (!ret)
		printf("%zu bytes: %d rounds OK\n", size, opts.iterations);
	return ret;
}

/* At the call or by its completion. */
static int expect_failure(const struct pmem_xfer *xfer, const char *what)
{
	struct pmem_op op;
	int ret;

	ret = pmem_writemsg(&op, xfer);
	if (!ret)
		ret = pmem_wait(&op);
	if (ret == -FI_ETIMEDOUT) {
		FT_ERR("%s neither fails nor succeeds", what);
		return ret;
	}
	if (!ret) {
		FT_ERR("%s does not fail", what);
		return -FI_EOTHER;
	}
	printf("%s fails: %s\n", what, fi_strerror(-ret));
	return 0;
}

/*
 * The last of all: a failure may cost the connection. Then the later ones fail
 * for that reason, which is well, too.
 */
static int failures(void)
{
	struct pmem_xfer xfer = {.len = 64, .flags = FI_COMMIT_COMPLETE};
	size_t region_len = pmem_src_len;
	uint64_t key = pmem_remote.key;
	int ret;

	xfer.to_volatile = true;
	ret = expect_failure(&xfer, "a commit to volatile memory");
	if (ret)
		return ret;
	xfer.to_volatile = false;
	xfer.dst = region_len - 32;
	ret = expect_failure(&xfer, "a commit beyond the region");
	if (ret)
		return ret;
	xfer.dst = 0;
	pmem_remote.key = key ^ 0x5a5a00;
	ret = expect_failure(&xfer, "a commit with an unknown key");
	pmem_remote.key = key;
	return ret;
}

/*
 * Has the server killed while writes are in flight. Those that have completed
 * with success, before or after, must be in the file.
 */
static int crash(void)
{
	size_t i, size, lost = 0, completed = 0;
	struct pmem_op *ops = calloc(pmem_slots, sizeof(*ops));
	struct pmem_xfer xfer;
	int ret = ops ? 0 : -FI_ENOMEM;

	size = pmem_pitch - 64;
	for (i = 0; !ret && i < pmem_slots; i++) {
		xfer = next_xfer(i, size);
		xfer.dst = i * pmem_pitch;
		ret = pmem_writemsg(&ops[i], &xfer);
		/* Half of them have completed when it happens. */
		if (!ret && i < pmem_slots / 2)
			ret = pmem_wait(&ops[i]);
	}
	if (!ret)
		ret = pmem_crash();
	for (i = 0; !ret && i < pmem_slots; i++) {
		ret = pmem_wait(&ops[i]);
		if (ret == -FI_ETIMEDOUT)
			break;
		ret = 0;
		if (ops[i].err)
			continue;
		completed++;
		ret = pmem_differs(PMEM_FILE, i * pmem_pitch,
				   pmem_src + i * pmem_pitch, size);
		if (ret > 0) {
			lost++;
			ret = 0;
		}
	}
	free(ops);
	if (ret) {
		FT_PRINTERR("the server's death", ret);
		return ret;
	}
	printf("crash: %zu of %zu completed writes of %zu bytes lost\n", lost,
	       completed, size);
	return lost ? -FI_EIO : 0;
}

static int client(void)
{
	int ret;

	ret = pmem_each_size(one_size);
	if (ret)
		return ret;
	return pmem_crash_enabled ? crash() : failures();
}

static int parse(int op, char *arg)
{
	(void)op;
	if (!strcasecmp(arg, "commit"))
		commit = true;
	else if (!strcasecmp(arg, "write"))
		commit = false;
	else
		return EXIT_FAILURE;
	return 0;
}

int main(int argc, char **argv)
{
	struct pmem_test test = {
		.desc = "Writes that commit to persistent memory.",
		.op_usage = "commit, or write: no commits, so that --crash "
			    "shows loss (default: commit)",
		.iterations = 2,
		.slots = 16,
		.parse = parse,
		.client = client,
	};

	return pmem_main(argc, argv, &test);
}
