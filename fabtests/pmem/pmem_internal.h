/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The client and the server of the fi_pmem_* tests say this to each other over
 * the out-of-band socket; both use the rest.
 */
#ifndef PMEM_INTERNAL_H
#define PMEM_INTERNAL_H

#include "pmem_shared.h"

#define PMEM_MR_KEY 0xC0FFEE
#define PMEM_VOLATILE_MR_KEY (PMEM_MR_KEY + 1)
#define PMEM_SRC_MR_KEY (PMEM_MR_KEY + 2)

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

extern struct pmem_test *pmem_test;
extern char *pmem_path; /* as --file says, or NULL */
extern size_t pmem_region_len;

int pmem_send(const struct pmem_ctrl *ctrl);
int pmem_connect(void);
int pmem_reg(void *base, size_t len, uint64_t access, uint64_t key,
	     uint64_t flags, struct fid_mr **region);

int pmem_client(void);
void pmem_close_client(void);
void pmem_free_client(void);

/* May fork, with --crash. */
int pmem_server(void);
void pmem_close_server(void);
void pmem_free_server(void);

#endif /* PMEM_INTERNAL_H */
