/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The client: operations on the server's regions, and questions about them. */

#include "pmem_internal.h"

#include <rdma/fi_errno.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PMEM_MAX_IOV 8

struct fi_rma_iov pmem_remote, pmem_remote_volatile;
size_t pmem_volatile_len;
char *pmem_src;
size_t pmem_src_len;

static struct fid_mr *pmem_src_mr;
static void *pmem_src_mr_desc;

void *pmem_src_desc(void)
{
	return pmem_src_mr_desc;
}

static void pmem_finish(struct pmem_op *op, int err)
{
	/*
	 * It belongs to no operation of ours, but for example to a message of
	 * the setup.
	 */
	if (!op || op == (void *)&tx_ctx)
		return;
	op->err = err;
	op->done = true;
}

static int pmem_reap_error(void)
{
	struct fi_cq_err_entry entry;
	ssize_t ret;

	memset(&entry, 0, sizeof(entry));
	ret = fi_cq_readerr(txcq, &entry, 0);
	if (ret == -FI_EAGAIN)
		return 0;
	if (ret < 0) {
		FT_PRINTERR("fi_cq_readerr", ret);
		return (int)ret;
	}
	pmem_finish(entry.op_context, entry.err ? entry.err : FI_EOTHER);
	return 0;
}

/* Reads what has completed; with sleep, waits for something as -c says. */
int pmem_poll(bool sleep)
{
	struct fi_cq_err_entry entry;
	struct fid *fids[1] = {&txcq->fid};
	ssize_t ret;

	if (sleep && opts.comp_method == FT_COMP_SREAD) {
		ret = fi_cq_sread(txcq, &entry, 1, NULL, 100);
		if (ret == -FI_EINTR)
			ret = -FI_EAGAIN;
	} else {
		if (sleep && opts.comp_method == FT_COMP_WAIT_FD &&
		    !fi_trywait(fabric, fids, 1)) {
			ret = ft_poll_fd(tx_fd, 100);
			if (ret && ret != -FI_EAGAIN)
				return (int)ret;
		}
		ret = fi_cq_read(txcq, &entry, 1);
	}
	if (ret > 0)
		pmem_finish(entry.op_context, 0);
	else if (ret == -FI_EAVAIL)
		return pmem_reap_error();
	else if (ret < 0 && ret != -FI_EAGAIN) {
		FT_PRINTERR("fi_cq_read", ret);
		return (int)ret;
	}
	return 0;
}

/* Cuts len into count pieces of different length. */
static size_t pmem_piece(size_t len, size_t count, size_t index)
{
	size_t part = len / (count + 1);

	return index + 1 < count ? part : len - part * (count - 1);
}

struct pmem_msg {
	struct iovec iov[PMEM_MAX_IOV];
	void *desc[PMEM_MAX_IOV];
	struct fi_rma_iov rma_iov[PMEM_MAX_IOV];
	struct fi_msg_rma msg;
};

static void pmem_format(struct pmem_msg *m, const struct pmem_xfer *xfer,
			void *context)
{
	const struct fi_rma_iov *to =
		xfer->to_volatile ? &pmem_remote_volatile : &pmem_remote;
	size_t iovs = xfer->iovs ? xfer->iovs : 1;
	size_t rma_iovs = xfer->rma_iovs ? xfer->rma_iovs : 1;
	size_t i, at;

	memset(m, 0, sizeof(*m));
	for (i = 0, at = 0; i < iovs; i++) {
		m->iov[i].iov_base = pmem_src + xfer->src + at;
		m->iov[i].iov_len = pmem_piece(xfer->len, iovs, i);
		m->desc[i] = pmem_src_mr_desc;
		at += m->iov[i].iov_len;
	}
	/* The long piece comes first, so that the two divide differently. */
	for (i = 0, at = 0; i < rma_iovs; i++) {
		m->rma_iov[i].addr = to->addr + xfer->dst + at;
		m->rma_iov[i].len =
			pmem_piece(xfer->len, rma_iovs, i ? 0 : rma_iovs - 1);
		m->rma_iov[i].key = to->key;
		at += m->rma_iov[i].len;
	}
	m->msg.msg_iov = m->iov;
	m->msg.desc = m->desc;
	m->msg.iov_count = xfer->len ? iovs : 0;
	m->msg.rma_iov = m->rma_iov;
	m->msg.rma_iov_count = rma_iovs;
	m->msg.addr = remote_fi_addr;
	m->msg.context = context;
	m->msg.data = xfer->data;
}

ssize_t pmem_try_writemsg(struct pmem_op *op, const struct pmem_xfer *xfer)
{
	struct pmem_msg m;

	pmem_format(&m, xfer, op);
	return fi_writemsg(ep, &m.msg, xfer->flags | FI_COMPLETION);
}

int pmem_writemsg(struct pmem_op *op, const struct pmem_xfer *xfer)
{
	ssize_t ret;

	PMEM_POST(op, pmem_try_writemsg(op, xfer), ret);
	return (int)ret;
}

int pmem_readmsg(struct pmem_op *op, const struct pmem_xfer *xfer)
{
	struct pmem_msg m;
	ssize_t ret;

	pmem_format(&m, xfer, op);
	PMEM_POST(op, fi_readmsg(ep, &m.msg, xfer->flags | FI_COMPLETION), ret);
	return (int)ret;
}

int pmem_drain(struct pmem_op *op)
{
	struct pmem_xfer xfer = {.flags = PMEM_FENCED_COMMIT};

	return pmem_writemsg(op, &xfer);
}

int pmem_wait(struct pmem_op *op)
{
	uint64_t deadline = pmem_deadline_ms();
	int ret;

	while (!op->done) {
		ret = pmem_poll(true);
		if (ret)
			return ret;
		if (ft_gettime_ms() > deadline)
			return -FI_ETIMEDOUT;
	}
	return -op->err;
}

int pmem_wait_all(struct pmem_op *ops, size_t count)
{
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = pmem_wait(&ops[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* The client keeps reading its queue: some providers need it to proceed. */
static int pmem_recv(struct pmem_ctrl *ctrl)
{
	struct pollfd ready = {.fd = oob_sock, .events = POLLIN};
	uint64_t deadline = pmem_deadline_ms();
	int ret;

	while (!poll(&ready, 1, 0)) {
		ret = pmem_poll(false);
		if (ret)
			return ret;
		if (ft_gettime_ms() > deadline)
			return -FI_ETIMEDOUT;
	}
	return ft_sock_recv(oob_sock, ctrl, sizeof(*ctrl));
}

static int pmem_ask(struct pmem_ctrl *ctrl)
{
	int ret;

	ret = pmem_send(ctrl);
	if (ret)
		return ret;
	ret = pmem_recv(ctrl);
	return ret ? ret : ctrl->ret;
}

int pmem_differs(enum pmem_place place, size_t offset, const void *data,
		 size_t len)
{
	struct pmem_ctrl ctrl = {
		.command = PMEM_HASH,
		.place = place,
		.offset = offset,
		.len = len,
	};
	int ret;

	ret = pmem_ask(&ctrl);
	if (ret) {
		FT_PRINTERR("asking the server", ret);
		return ret;
	}
	return ctrl.hash != pmem_hash(data, len);
}

int pmem_expect(enum pmem_place place, size_t offset, const void *data,
		size_t len, const char *what)
{
	static const char *const places[] = {"file", "memory", "memory"};
	int ret;

	ret = pmem_differs(place, offset, data, len);
	if (ret > 0) {
		FT_ERR("%s: the server's %s has other data at %zu, length %zu",
		       what, places[place], offset, len);
		ret = -FI_EIO;
	}
	return ret;
}

int pmem_await(enum pmem_place place, bool message, size_t offset, size_t len)
{
	struct pmem_ctrl ctrl = {
		.command = PMEM_AWAIT,
		.place = place,
		.message = message,
		.offset = offset,
		.len = len,
	};

	return pmem_send(&ctrl);
}

int pmem_arrived(uint64_t *hash, uint64_t *data)
{
	struct pmem_ctrl ctrl;
	int ret;

	ret = pmem_recv(&ctrl);
	if (ret)
		return ret;
	*hash = ctrl.hash;
	*data = ctrl.data;
	return ctrl.ret;
}

int pmem_crash(void)
{
	struct pmem_ctrl ctrl = {.command = PMEM_CRASH};
	int ret;

	ret = pmem_ask(&ctrl);
	if (ret)
		FT_PRINTERR("having the server killed", ret);
	return ret;
}

static int pmem_get_key(struct pmem_key *key, struct fi_rma_iov *iov)
{
	return ft_get_rma_info(&key->iov, iov, key->key_size);
}

static int pmem_open_client(void)
{
	struct pmem_hello hello;
	int ret;

	ret = ft_sock_recv(oob_sock, &hello, sizeof(hello));
	if (ret)
		return ret;
	if (hello.region_len != pmem_region_len) {
		FT_ERR("the server has other options than the client");
		return -FI_EINVAL;
	}
	ret = pmem_get_key(&hello.persistent, &pmem_remote);
	if (!ret)
		ret = pmem_get_key(&hello.ordinary, &pmem_remote_volatile);
	if (ret)
		return ret;
	pmem_volatile_len = hello.volatile_len;
	pmem_src_len = pmem_region_len;
	pmem_src = calloc(1, pmem_src_len);
	if (!pmem_src)
		return -FI_ENOMEM;
	if (fi->domain_attr->mr_mode & FI_MR_LOCAL) {
		ret = pmem_reg(pmem_src, pmem_src_len, FI_READ | FI_WRITE,
			       PMEM_SRC_MR_KEY, 0, &pmem_src_mr);
		if (ret)
			return ret;
		pmem_src_mr_desc = fi_mr_desc(pmem_src_mr);
	}
	return 0;
}

int pmem_client(void)
{
	struct pmem_ctrl ctrl = {.command = PMEM_DONE};
	int ret;

	ret = pmem_connect();
	if (ret)
		return ret;
	ret = pmem_open_client();
	if (!ret)
		ret = pmem_test->client();
	ctrl.ret = ret;
	pmem_send(&ctrl);
	return ret;
}

void pmem_close_client(void)
{
	FT_CLOSE_FID(pmem_src_mr);
}

void pmem_free_client(void)
{
	free(pmem_src);
}
