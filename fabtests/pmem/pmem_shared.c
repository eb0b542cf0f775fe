/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>

#include "pmem_shared.h"

#define PMEM_MR_KEY 0xC0FFEE
#define PMEM_SRC_MR_KEY (PMEM_MR_KEY + 1)
#define PMEM_TIMEOUT_S 30
#define PMEM_MAX_REGION (128UL << 20)
#define PMEM_MAX_IOV 8
/* Room for offsets that are not aligned. */
#define PMEM_SLACK 64
#define PMEM_VOLATILE_LEN 4096

enum {
	PMEM_OPT_FILE = 256,
	PMEM_OPT_CRASH,
};

enum pmem_command {
	PMEM_HASH,
	PMEM_AWAIT,
	PMEM_CRASH,
	PMEM_DONE,
};

struct pmem_ctrl {
	uint32_t command;
	int32_t ret;
	uint32_t place;
	uint32_t message;
	uint64_t offset;
	uint64_t len;
	uint64_t hash;
	uint64_t data;
};

/* A key, as ft_fill_rma_info() has it. */
struct pmem_key {
	uint64_t key_size;
	union {
		struct fi_rma_iov iov;
		char raw[256];
	};
};

struct pmem_hello {
	uint64_t region_len;
	uint64_t volatile_len;
	struct pmem_key persistent;
	struct pmem_key ordinary;
};

struct fi_rma_iov pmem_remote, pmem_remote_volatile;
size_t pmem_slots, pmem_pitch, pmem_volatile_len;
char *pmem_src;
size_t pmem_src_len;
bool pmem_crash_enabled;
bool pmem_default_commit;

static struct pmem_test *pmem_test;
static char *pmem_path;
static bool pmem_path_is_ours;
static char pmem_temp_path[] = "fi_pmem.XXXXXX";
static char *pmem_base = MAP_FAILED;
static size_t pmem_region_len;
static struct fid_mr *pmem_mr, *pmem_src_mr;
static char *pmem_volatile_base;
static struct fid_mr *pmem_volatile_mr;
static void *pmem_src_mr_desc;
static int pmem_window;

void pmem_fill(void *dst, size_t len, uint64_t seed)
{
	uint64_t word = 0, state = seed * 0x9e3779b97f4a7c15ULL + 1;
	unsigned char *bytes = dst;
	size_t i;

	for (i = 0; i < len; i++) {
		if (!(i % sizeof(word))) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			word = state;
		}
		bytes[i] = (unsigned char)(word >> (i % sizeof(word) * 8));
	}
}

uint64_t pmem_hash(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint64_t hash = PMEM_HASH_SEED;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

uint64_t pmem_deadline_ms(void)
{
	int seconds = timeout >= 0 ? timeout : PMEM_TIMEOUT_S;

	return ft_gettime_ms() + (uint64_t)seconds * 1000;
}

void *pmem_src_desc(void)
{
	return pmem_src_mr_desc;
}

/*
 * Operations of the client
 */

static void pmem_finish(struct pmem_op *op, int err)
{
	/* Of no operation of ours, for example a message of the setup. */
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
	/* The long piece first, so that the two divide differently. */
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

/*
 * Questions to the server
 */

static int pmem_send(const struct pmem_ctrl *ctrl)
{
	return ft_sock_send(oob_sock, (void *)ctrl, sizeof(*ctrl));
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

/*
 * The server
 */

static int pmem_create_file(void)
{
	struct stat st;
	int fd, ret = 0;

	if (pmem_path) {
		fd = open(pmem_path, O_RDWR | O_CREAT, 0600);
	} else {
		fd = mkstemp(pmem_temp_path);
		pmem_path = pmem_temp_path;
		pmem_path_is_ours = fd >= 0;
	}
	if (fd < 0) {
		ret = -errno;
		FT_PRINTERR("open", ret);
		return ret;
	}
	if (fstat(fd, &st) ||
	    (S_ISREG(st.st_mode) && st.st_size < (off_t)pmem_region_len &&
	     ftruncate(fd, (off_t)pmem_region_len))) {
		ret = -errno;
		FT_PRINTERR("ftruncate", ret);
	}
	close(fd);
	return ret;
}

static void pmem_remove_file(void)
{
	if (pmem_path_is_ours)
		unlink(pmem_path);
	pmem_path_is_ours = false;
}

static char *pmem_map_file(void)
{
	char *base;
	int fd;

	fd = open(pmem_path, O_RDWR);
	if (fd < 0)
		return MAP_FAILED;
	base = mmap(NULL, pmem_region_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	close(fd);
	return base;
}

static int pmem_reg(void *base, size_t len, uint64_t access, uint64_t key,
		    uint64_t flags, struct fid_mr **region)
{
	struct iovec iov = {.iov_base = base, .iov_len = len};
	struct fi_mr_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	ft_fill_mr_attr(&iov, NULL, 1, access, key, FI_HMEM_SYSTEM, 0, &attr,
			flags);
	ret = fi_mr_regattr(domain, &attr, flags, region);
	if (ret) {
		FT_PRINTERR("fi_mr_regattr", ret);
		return ret;
	}
	if (fi->domain_attr->mr_mode & FI_MR_ENDPOINT) {
		ret = fi_mr_bind(*region, &ep->fid, 0);
		if (!ret)
			ret = fi_mr_enable(*region);
		if (ret)
			FT_PRINTERR("fi_mr_bind or fi_mr_enable", ret);
	}
	return ret;
}

static int pmem_fill_key(struct pmem_key *key, struct fid_mr *region,
			 void *base)
{
	size_t key_size = 0, len = sizeof(key->raw);
	int ret;

	ret = ft_fill_rma_info(region, base, &key->iov, &key_size, &len);
	key->key_size = key_size;
	return ret;
}

static int pmem_open_regions(void)
{
	struct pmem_hello hello;
	uint64_t access = FI_REMOTE_READ | FI_REMOTE_WRITE;
	int ret;

	memset(&hello, 0, sizeof(hello));
	pmem_base = pmem_map_file();
	if (pmem_base == MAP_FAILED) {
		ret = -errno;
		FT_PRINTERR("mmap", ret);
		return ret;
	}
	ret = pmem_reg(pmem_base, pmem_region_len, access, PMEM_MR_KEY,
		       FI_RMA_PMEM, &pmem_mr);
	if (ret) {
		FT_ERR("cannot register %s as persistent memory", pmem_path);
		return ret;
	}
	pmem_volatile_base = calloc(1, PMEM_VOLATILE_LEN);
	if (!pmem_volatile_base)
		return -FI_ENOMEM;
	ret = pmem_reg(pmem_volatile_base, PMEM_VOLATILE_LEN, access,
		       PMEM_SRC_MR_KEY, 0, &pmem_volatile_mr);
	if (ret)
		return ret;
	hello.region_len = pmem_region_len;
	hello.volatile_len = PMEM_VOLATILE_LEN;
	ret = pmem_fill_key(&hello.persistent, pmem_mr, pmem_base);
	if (!ret)
		ret = pmem_fill_key(&hello.ordinary, pmem_volatile_mr,
				    pmem_volatile_base);
	if (ret)
		return ret;
	return ft_sock_send(oob_sock, &hello, sizeof(hello));
}

static int pmem_hash_place(struct pmem_ctrl *ctrl)
{
	size_t limit = ctrl->place == PMEM_VOLATILE ? PMEM_VOLATILE_LEN
						    : pmem_region_len;
	char *base = pmem_base;

	if (ctrl->offset > limit || ctrl->len > limit - ctrl->offset)
		return -FI_EINVAL;
	if (ctrl->place == PMEM_VOLATILE)
		base = pmem_volatile_base;
	else if (ctrl->place == PMEM_FILE)
		base = pmem_map_file();
	if (!base || base == MAP_FAILED)
		return -FI_ENODEV;
	ctrl->hash = pmem_hash(base + ctrl->offset, ctrl->len);
	if (ctrl->place == PMEM_FILE)
		munmap(base, pmem_region_len);
	return 0;
}

/* A message consumes the receive that is posted, remote CQ data may. */
static int pmem_repost(bool message)
{
	if (message || fi->rx_attr->mode & FI_RX_CQ_DATA)
		return (int)ft_post_rx(ep, rx_size, &rx_ctx);
	rx_seq++;
	return 0;
}

static int pmem_await_arrival(struct pmem_ctrl *ctrl)
{
	uint64_t wanted = ctrl->message ? FI_RECV : FI_REMOTE_CQ_DATA;
	uint64_t deadline = pmem_deadline_ms();
	struct fi_cq_data_entry entry;
	ssize_t ret;

	do {
		ret = fi_cq_read(rxcq, &entry, 1);
		if (ft_gettime_ms() > deadline)
			return -FI_ETIMEDOUT;
	} while (ret == -FI_EAGAIN);
	if (ret == -FI_EAVAIL)
		return ft_cq_readerr(rxcq);
	if (ret < 0)
		return (int)ret;
	rx_cq_cntr++;
	ret = pmem_hash_place(ctrl);
	if (ret)
		return (int)ret;
	ctrl->data = entry.data;
	if (!(entry.flags & wanted)) {
		FT_ERR("unexpected completion: %s",
		       fi_tostr(&entry.flags, FI_TYPE_CQ_EVENT_FLAGS));
		return -FI_EOTHER;
	}
	return pmem_repost(ctrl->message);
}

/* Answers until the client is done; returns what it says then. */
static int pmem_serve(bool dead)
{
	struct pollfd ready = {.fd = oob_sock, .events = POLLIN};
	struct pmem_ctrl ctrl;
	int ret;

	for (;;) {
		/* A target that sleeps, or one that reads its queues. */
		if (dead || opts.comp_method != FT_COMP_SPIN)
			(void)poll(&ready, 1, -1);
		ret = ft_sock_recv(oob_sock, &ctrl, sizeof(ctrl));
		if (ret) {
			FT_PRINTERR("reading from the client", ret);
			return ret;
		}
		switch (ctrl.command) {
		case PMEM_HASH:
			ctrl.ret = dead && ctrl.place != PMEM_FILE
					   ? -FI_EINVAL
					   : pmem_hash_place(&ctrl);
			break;
		case PMEM_AWAIT:
			ctrl.ret =
				dead ? -FI_EINVAL : pmem_await_arrival(&ctrl);
			break;
		case PMEM_CRASH:
			if (pmem_crash_enabled && !dead)
				raise(SIGKILL);
			ctrl.ret = -FI_EINVAL;
			break;
		case PMEM_DONE:
			return ctrl.ret;
		default:
			ctrl.ret = -FI_EINVAL;
			break;
		}
		ret = pmem_send(&ctrl);
		if (ret)
			return ret;
	}
}

/* The child is dead: answers that, and what is left in the file. */
static int pmem_serve_corpse(pid_t child)
{
	struct pmem_ctrl ctrl = {.command = PMEM_CRASH};
	int status, ret;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	if (WTERMSIG(status) != SIGKILL) {
		FT_ERR("the server died of signal %d", WTERMSIG(status));
		return -FI_EOTHER;
	}
	ret = pmem_send(&ctrl);
	return ret ? ret : pmem_serve(true);
}

/*
 * Both
 */

static size_t pmem_largest_size(void)
{
	size_t size, largest = 0;
	unsigned int i;

	if (opts.options & FT_OPT_SIZE)
		return opts.transfer_size;
	for (i = 0; i < TEST_CNT; i++) {
		size = test_size[i].size;
		if (opts.sizes_enabled != FT_ENABLE_SIZES &&
		    !(opts.sizes_enabled & test_size[i].enable_flags))
			continue;
		largest = MAX(largest, size);
	}
	return largest;
}

static void pmem_divide(void)
{
	pmem_pitch = ALIGN(pmem_largest_size() + PMEM_SLACK, (size_t)64);
	pmem_slots = (size_t)pmem_window;
	while (pmem_slots > 2 && pmem_slots * pmem_pitch > PMEM_MAX_REGION)
		pmem_slots /= 2;
	pmem_region_len = ALIGN(pmem_slots * pmem_pitch, (size_t)4096);
}

int pmem_each_size(int (*fn)(size_t size))
{
	unsigned int i;
	int ret;

	if (opts.options & FT_OPT_SIZE)
		return fn(opts.transfer_size);
	for (i = 0; i < TEST_CNT; i++) {
		if (!ft_use_size((int)i, opts.sizes_enabled))
			continue;
		opts.transfer_size = test_size[i].size;
		ret = fn(test_size[i].size);
		if (ret)
			return ret;
	}
	return 0;
}

/* Both find the capabilities, or both say FI_ENODATA. */
static int pmem_probe(void)
{
	struct fi_info *info = NULL;
	int ret, peer;

	ret = fi_getinfo(FT_FIVERSION, NULL, NULL, 0, hints, &info);
	if (ret)
		FT_PRINTERR("fi_getinfo", ret);
	fi_freeinfo(info);
	peer = ft_sock_sync(oob_sock, ret);
	return ret ? ret : peer;
}

static int pmem_connect(void)
{
	int ret;

	ret = pmem_probe();
	if (ret)
		return ret;
	if (hints->ep_attr->type != FI_EP_MSG)
		return ft_init_fabric();
	ret = opts.dst_addr ? 0 : ft_start_server();
	ret = ret ? ret : ft_sock_sync(oob_sock, ret);
	if (ret)
		return ret;
	return opts.dst_addr ? ft_client_connect() : ft_server_connect();
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

static int pmem_run_client(void)
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

static int pmem_run_server(void)
{
	int ret;

	ret = pmem_connect();
	if (!ret)
		ret = pmem_open_regions();
	return ret ? ret : pmem_serve(false);
}

static void pmem_close(void)
{
	FT_CLOSE_FID(pmem_mr);
	FT_CLOSE_FID(pmem_volatile_mr);
	FT_CLOSE_FID(pmem_src_mr);
	ft_free_res();
	if (pmem_base != MAP_FAILED)
		munmap(pmem_base, pmem_region_len);
	free(pmem_volatile_base);
	free(pmem_src);
}

static int pmem_run(void)
{
	pid_t child = 0;
	int ret;

	pmem_divide();
	ret = ft_init_oob();
	if (ret)
		return ret;
	if (!opts.dst_addr) {
		ret = pmem_create_file();
		if (ret)
			goto out;
	}
	if (!opts.dst_addr && pmem_crash_enabled) {
		child = fork();
		if (child < 0) {
			ret = -errno;
			FT_PRINTERR("fork", ret);
			goto out;
		}
		if (child) {
			ret = pmem_serve_corpse(child);
			goto out;
		}
		pmem_path_is_ours = false;
	}
	ret = opts.dst_addr ? pmem_run_client() : pmem_run_server();
out:
	pmem_remove_file();
	ft_close_oob();
	pmem_close();
	return ret;
}

static void pmem_usage(void)
{
	ft_csusage(pmem_test->name, pmem_test->desc);
	FT_PRINT_OPTS_USAGE("-v", "verify what was written");
	FT_PRINT_OPTS_USAGE("-U", "commit by the endpoint's default operation "
				  "flags");
	FT_PRINT_OPTS_USAGE("-W <number>", "operations in flight");
	if (pmem_test->op_usage)
		FT_PRINT_OPTS_USAGE("-o <op>", pmem_test->op_usage);
	FT_PRINT_OPTS_USAGE("--file <path>",
			    "server: the persistent memory, a file or a DAX "
			    "device;");
	FT_PRINT_OPTS_USAGE("", "its contents are lost (default: a temporary "
				"file in the");
	FT_PRINT_OPTS_USAGE("", "working directory)");
	FT_PRINT_OPTS_USAGE("--crash", "kill the server by SIGKILL and verify "
				       "the file; give");
	FT_PRINT_OPTS_USAGE("", "it on both sides");
	ft_longopts_usage();
}

/* The suite's long options and ours. */
static struct option *pmem_long_opts(void)
{
	static struct option all[32];
	static const struct option ours[] = {
		{"file", required_argument, NULL, PMEM_OPT_FILE},
		{"crash", no_argument, NULL, PMEM_OPT_CRASH},
	};
	size_t i, count = ARRAY_SIZE(ours);

	memcpy(all, ours, sizeof(ours));
	for (i = 0; long_opts[i].name && count < ARRAY_SIZE(all) - 1; i++)
		all[count++] = long_opts[i];
	return all;
}

static int pmem_parse(int op, char *arg)
{
	switch (op) {
	case PMEM_OPT_FILE:
		pmem_path = arg;
		return 0;
	case PMEM_OPT_CRASH:
		pmem_crash_enabled = true;
		return 0;
	case 'v':
		opts.options |= FT_OPT_VERIFY_DATA;
		return 0;
	case 'U':
		pmem_default_commit = true;
		hints->tx_attr->op_flags |= FI_COMMIT_COMPLETE;
		return 0;
	case 'W':
		pmem_window = atoi(arg);
		return pmem_window > 0 ? 0 : EXIT_FAILURE;
	case 'o':
		if (pmem_test->parse)
			return pmem_test->parse(op, arg);
		return EXIT_FAILURE;
	case '?':
	case 'h':
		return EXIT_FAILURE;
	default:
		if (!ft_parse_long_opts(op, arg))
			return 0;
		ft_parseinfo(op, arg, hints, &opts);
		ft_parsecsopts(op, arg, &opts);
		return 0;
	}
}

int pmem_main(int argc, char **argv, struct pmem_test *test)
{
	int op, ret;

	pmem_test = test;
	pmem_test->name = argv[0];
	opts = INIT_OPTS;
	/* The suite's own buffers carry only messages of the setup. */
	opts.window_size = 1;
	opts.iterations = test->iterations;
	opts.options |= FT_OPT_OOB_SYNC | (int)test->options;
	cq_attr.format = FI_CQ_FORMAT_DATA;
	pmem_window = test->slots;

	hints = fi_allocinfo();
	if (!hints)
		return EXIT_FAILURE;

	while ((op = getopt_long(argc, argv, PMEM_OPTS, pmem_long_opts(),
				 &lopt_idx)) != -1) {
		if (pmem_parse(op, optarg)) {
			pmem_usage();
			ft_freehints(hints);
			return EXIT_FAILURE;
		}
	}
	if (optind < argc)
		opts.dst_addr = argv[optind];
	if (!(opts.options & FT_OPT_TX_CQ)) {
		FT_ERR("the test needs completion queues");
		ft_freehints(hints);
		return ft_exit_code(FI_ENOSYS);
	}
	if (!hints->ep_attr->type)
		hints->ep_attr->type = FI_EP_RDM;

	hints->caps = FI_MSG | FI_RMA | FI_RMA_PMEM | test->caps;
	hints->mode = FI_CONTEXT | FI_CONTEXT2 | FI_RX_CQ_DATA;
	hints->domain_attr->mr_mode = opts.mr_mode;
	hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
	hints->tx_attr->msg_order = test->msg_order;
	hints->rx_attr->msg_order = test->msg_order;
	hints->addr_format = opts.address_format;

	ret = pmem_run();
	return ft_exit_code(ret);
}
