/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The server: the regions, answers about them, and its death. */

#include "pmem_internal.h"

#include <rdma/fi_errno.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PMEM_VOLATILE_LEN 4096
/* A DAX device maps in multiples of its alignment, and this is the usual one.
 */
#define PMEM_DAX_ALIGN (2UL << 20)

static bool pmem_path_is_ours;
static char pmem_temp_path[] = "fi_pmem.XXXXXX";
static char *pmem_base = MAP_FAILED;
static size_t pmem_map_len;
static struct fid_mr *pmem_mr;
static char *pmem_volatile_base;
static struct fid_mr *pmem_volatile_mr;

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
	pmem_map_len = S_ISCHR(st.st_mode)
			       ? ALIGN(pmem_region_len, PMEM_DAX_ALIGN)
			       : pmem_region_len;
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
	base = mmap(NULL, pmem_map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	close(fd);
	return base;
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
		       PMEM_VOLATILE_MR_KEY, 0, &pmem_volatile_mr);
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
		munmap(base, pmem_map_len);
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

static int pmem_run_server(void)
{
	int ret;

	ret = pmem_connect();
	if (!ret)
		ret = pmem_open_regions();
	return ret ? ret : pmem_serve(false);
}

int pmem_server(void)
{
	pid_t child;
	int ret;

	ret = pmem_create_file();
	if (ret)
		return ret;
	if (!pmem_crash_enabled) {
		ret = pmem_run_server();
		pmem_remove_file();
		return ret;
	}
	child = fork();
	if (!child)
		return pmem_run_server();
	if (child < 0) {
		ret = -errno;
		FT_PRINTERR("fork", ret);
	} else {
		ret = pmem_serve_corpse(child);
	}
	pmem_remove_file();
	return ret;
}

void pmem_close_server(void)
{
	FT_CLOSE_FID(pmem_mr);
	FT_CLOSE_FID(pmem_volatile_mr);
}

void pmem_free_server(void)
{
	if (pmem_base != MAP_FAILED)
		munmap(pmem_base, pmem_map_len);
	free(pmem_volatile_base);
}
