/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Options, sizes and the connection. */

#include "pmem_internal.h"

#include <rdma/fi_errno.h>

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PMEM_TIMEOUT_S 30
#define PMEM_MAX_REGION (128UL << 20)
/* Room for offsets that are not aligned. */
#define PMEM_SLACK 64

enum {
	PMEM_OPT_FILE = 256,
	PMEM_OPT_CRASH,
};

size_t pmem_slots, pmem_pitch;
bool pmem_crash_enabled;
bool pmem_default_commit;

struct pmem_test *pmem_test;
char *pmem_path;
size_t pmem_region_len;

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

int pmem_send(const struct pmem_ctrl *ctrl)
{
	return ft_sock_send(oob_sock, (void *)ctrl, sizeof(*ctrl));
}

int pmem_reg(void *base, size_t len, uint64_t access, uint64_t key,
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

/*
 * Replaces ft_sock_sync(), which burns a processor: a server that sleeps does
 * so here too. The client speaks first.
 */
static int pmem_sync(int value)
{
	struct pollfd ready = {.fd = oob_sock, .events = POLLIN};

	if (!opts.dst_addr && opts.comp_method != FT_COMP_SPIN)
		(void)poll(&ready, 1, -1);
	return ft_sock_sync(oob_sock, value);
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
	peer = pmem_sync(ret);
	return ret ? ret : peer;
}

int pmem_connect(void)
{
	int ret;

	ret = pmem_probe();
	if (ret)
		return ret;
	if (hints->ep_attr->type != FI_EP_MSG)
		return ft_init_fabric();
	ret = opts.dst_addr ? 0 : ft_start_server();
	ret = ret ? ret : pmem_sync(ret);
	if (ret)
		return ret;
	return opts.dst_addr ? ft_client_connect() : ft_server_connect();
}

static int pmem_run(void)
{
	int ret;

	pmem_divide();
	ret = ft_init_oob();
	if (ret)
		return ret;
	ret = opts.dst_addr ? pmem_client() : pmem_server();
	ft_close_oob();
	pmem_close_client();
	pmem_close_server();
	ft_free_res();
	pmem_free_client();
	pmem_free_server();
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

/* Returns the suite's long options and ours. */
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
