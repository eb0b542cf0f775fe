/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * flushable DEVICE PATH LENGTH: can the RDMA device flush remote writes into
 * the memory that PATH maps? Registers its first LENGTH bytes for IB FLUSH with
 * placement persistent, prints what came of it, and exits with 0 if that is
 * allowed. PATH may be "memory".
 */
#include <infiniband/verbs.h>
#include <rdma/ib_user_verbs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct ibv_context *open_device(const char *name)
{
	struct ibv_context *context = NULL;
	struct ibv_device **devices = ibv_get_device_list(NULL);
	for (int i = 0; devices && devices[i]; i++) {
		if (!strcmp(ibv_get_device_name(devices[i]), name))
			context = ibv_open_device(devices[i]);
	}
	if (devices)
		ibv_free_device_list(devices);
	return context;
}

static void print_capabilities(struct ibv_context *context)
{
	struct ibv_device_attr_ex attr = {0};
	int ret = ibv_query_device_ex(context, NULL, &attr);
	if (ret) {
		printf("ibv_query_device_ex: %s\n", strerror(ret));
		return;
	}
	printf("FLUSH_GLOBAL %d FLUSH_PERSISTENT %d ATOMIC_WRITE %d\n",
	       !!(attr.device_cap_flags_ex & IB_UVERBS_DEVICE_FLUSH_GLOBAL),
	       !!(attr.device_cap_flags_ex & IB_UVERBS_DEVICE_FLUSH_PERSISTENT),
	       !!(attr.device_cap_flags_ex & IB_UVERBS_DEVICE_ATOMIC_WRITE));
}

static void *map(const char *path, size_t len)
{
	int prot = PROT_READ | PROT_WRITE;
	if (!strcmp(path, "memory"))
		return mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	return mmap(NULL, len, prot, MAP_SHARED, open(path, O_RDWR), 0);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: flushable DEVICE PATH LENGTH\n");
		return 2;
	}
	size_t len = strtoull(argv[3], NULL, 0);
	struct ibv_context *context = open_device(argv[1]);
	if (!context) {
		fprintf(stderr, "no RDMA device %s\n", argv[1]);
		return 1;
	}
	print_capabilities(context);
	void *base = map(argv[2], len);
	if (base == MAP_FAILED) {
		perror(argv[2]);
		return 1;
	}
	struct ibv_pd *pd = ibv_alloc_pd(context);
	struct ibv_mr *mr = pd ? ibv_reg_mr(pd, base, len,
					    IBV_ACCESS_LOCAL_WRITE |
						    IBV_ACCESS_REMOTE_WRITE |
						    IBV_ACCESS_FLUSH_GLOBAL |
						    IBV_ACCESS_FLUSH_PERSISTENT)
			       : NULL;
	printf("%s: %s\n", argv[2], mr ? "flushable" : strerror(errno));
	return mr ? 0 : 1;
}
