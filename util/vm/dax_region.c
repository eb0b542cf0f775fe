/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Registers the beginning of a file or of a device DAX over tcp;ofi_pmem, for
 * dax_kinds.sh, which reads from the provider's log what became of it.
 *
 *	dax_region plain|flagged|declared PATH
 *
 * plain: an ordinary registration, which FI_OFI_PMEM_REGIONS may make a
 * persistent region. flagged: FI_RMA_PMEM. declared: likewise, and declared to
 * be of cache-line granularity under ADR. Prints "registered" or "refused: "
 * and the error; exits with 1 if it does not get as far as that.
 */
#include <rdma/fi_ext_pmem.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYTES (2 << 20)

static void check(int ret, const char *step)
{
	if (!ret)
		return;
	fprintf(stderr, "dax_region: %s: %s\n", step, fi_strerror(-ret));
	exit(1);
}

static struct fid_domain *open_domain(void)
{
	struct fi_info *hints = fi_allocinfo();
	struct fi_info *info = NULL;
	struct fid_fabric *fabric;
	struct fid_domain *domain;

	if (!hints)
		check(-FI_ENOMEM, "fi_allocinfo");
	hints->caps = FI_MSG | FI_RMA | FI_RMA_PMEM;
	hints->ep_attr->type = FI_EP_MSG;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
				      FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	hints->fabric_attr->prov_name = strdup("tcp;ofi_pmem");
	check(fi_getinfo(FI_VERSION(1, 17), "127.0.0.1", NULL, FI_SOURCE, hints,
			 &info),
	      "fi_getinfo");
	check(fi_fabric(info->fabric_attr, &fabric, NULL), "fi_fabric");
	check(fi_domain(fabric, info, &domain, NULL), "fi_domain");
	fi_freeinfo(info);
	fi_freeinfo(hints);
	return domain;
}

static int register_declared(struct fid_domain *domain,
			     const struct fi_mr_attr *attr, struct fid_mr **mr)
{
	struct fi_ops_pmem_domain *ops;
	struct fi_pmem_mr_attr declared = {
		.size = sizeof(declared),
		.fd = -1,
		.granularity = FI_PMEM_GRANULARITY_CACHE_LINE,
		.domain = FI_PMEM_DOMAIN_MEMORY_CONTROLLER,
	};

	check(fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, 0, (void **)&ops,
			  NULL),
	      "fi_open_ops");
	return ops->mr_reg(domain, attr, 0, &declared, mr);
}

int main(int argc, char **argv)
{
	struct iovec memory = {.iov_len = BYTES};
	struct fi_mr_attr attr = {
		.mr_iov = &memory,
		.iov_count = 1,
		.access = FI_REMOTE_READ | FI_REMOTE_WRITE,
	};
	struct fid_mr *mr;
	int fd, ret;

	if (argc != 3)
		check(-FI_EINVAL, "usage");
	fd = open(argv[2], O_RDWR);
	if (fd < 0)
		check(-errno, argv[2]);
	memory.iov_base =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory.iov_base == MAP_FAILED)
		check(-errno, "mmap");
	if (!strcmp(argv[1], "declared"))
		ret = register_declared(open_domain(), &attr, &mr);
	else
		ret = fi_mr_regattr(
			open_domain(), &attr,
			strcmp(argv[1], "flagged") ? 0 : FI_RMA_PMEM, &mr);
	if (ret)
		printf("refused: %s\n", fi_strerror(-ret));
	else
		printf("registered\n");
	return 0;
}
