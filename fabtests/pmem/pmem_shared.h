/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The fi_pmem_* tests share a server that holds a persistent region and a
 * volatile one and answers questions about them over the out-of-band socket,
 * and operations of the client on them.
 *
 * With --crash the server works in a child process, which the client can have
 * killed by SIGKILL. The parent then answers from the file alone.
 */
#ifndef PMEM_SHARED_H
#define PMEM_SHARED_H

#include <rdma/fi_rma.h>

#include <shared.h>
#include <stdbool.h>
#include <stdint.h>

#define PMEM_OPTS "hvUW:" CS_OPTS INFO_OPTS API_OPTS
#define PMEM_FENCED_COMMIT (FI_FENCE | FI_COMMIT_COMPLETE)
#define PMEM_HASH_SEED 0xcbf29ce484222325ULL

/* Where the server looks. */
enum pmem_place {
	PMEM_FILE,     /* the file, opened again: what is durable */
	PMEM_MEMORY,   /* the registered mapping: what is visible */
	PMEM_VOLATILE, /* the region that is not persistent */
};

/* One operation; completions carry its address. */
struct pmem_op {
	struct fi_context2 ctx;
	bool posted; /* accepted, or refused: then done and err are set, too */
	bool done;
	int err; /* positive fi_errno */
};

/*
 * len bytes at src of the local buffer, to or from dst of the region. A length
 * of 0 has no buffer. Split into several buffers and ranges if iovs > 1.
 */
struct pmem_xfer {
	size_t src;
	size_t dst;
	size_t len;
	size_t iovs;
	size_t rma_iovs;
	uint64_t flags;
	uint64_t data;
	bool to_volatile;
};

struct pmem_test {
	char *name;
	char *desc;
	const char *op_usage; /* for -o, or NULL */
	uint64_t caps;	      /* besides FI_MSG, FI_RMA and FI_RMA_PMEM */
	uint64_t msg_order;
	uint64_t options; /* FT_OPT_*, besides the usual */
	int iterations;	  /* of each size, unless -I says so; 0: by size */
	int slots;	  /* of the region, unless -W says so */
	int (*parse)(int op, char *optarg); /* for -o, or NULL */
	int (*client)(void);
};

/*
 * The regions, as the server described them, and how they are divided: slots of
 * equal pitch, each for the largest size tested and some bytes to misalign it.
 */
extern struct fi_rma_iov pmem_remote, pmem_remote_volatile;
extern size_t pmem_slots, pmem_pitch, pmem_volatile_len;
extern char *pmem_src;
extern size_t pmem_src_len;
extern bool pmem_crash_enabled;
extern bool pmem_default_commit;

/* main(): parses the options, connects, and runs the client or the server. */
int pmem_main(int argc, char **argv, struct pmem_test *test);

/* Calls fn for each size to test. */
int pmem_each_size(int (*fn)(size_t size));

void pmem_fill(void *dst, size_t len, uint64_t seed);
uint64_t pmem_hash(const void *data, size_t len);

/*
 * Posting retries while the provider says -FI_EAGAIN, and returns what it says
 * otherwise; waiting fails with -FI_ETIMEDOUT, or with the operation's error.
 */
ssize_t pmem_try_writemsg(struct pmem_op *op, const struct pmem_xfer *xfer);
int pmem_writemsg(struct pmem_op *op, const struct pmem_xfer *xfer);
int pmem_readmsg(struct pmem_op *op, const struct pmem_xfer *xfer);
int pmem_drain(struct pmem_op *op);
int pmem_poll(bool sleep);
int pmem_wait(struct pmem_op *op);
int pmem_wait_all(struct pmem_op *ops, size_t count);

/* Repeats call while it returns -FI_EAGAIN; for calls that this file lacks. */
#define PMEM_POST(op, call, ret)                                               \
	do {                                                                   \
		uint64_t pmem_deadline = pmem_deadline_ms();                   \
		memset(op, 0, sizeof(*(op)));                                  \
		while ((ret = (call)) == -FI_EAGAIN) {                         \
			ret = pmem_poll(false);                                \
			if (ret)                                               \
				break;                                         \
			ret = -FI_ETIMEDOUT;                                   \
			if (ft_gettime_ms() > pmem_deadline)                   \
				break;                                         \
		}                                                              \
		(op)->posted = true;                                           \
		if (ret) {                                                     \
			(op)->done = true;                                     \
			(op)->err = (int)-ret;                                 \
		}                                                              \
	} while (0)

uint64_t pmem_deadline_ms(void);
void *pmem_src_desc(void);

/* Fails with -FI_EIO, and says so, unless the server finds these bytes. */
int pmem_expect(enum pmem_place place, size_t offset, const void *data,
		size_t len, const char *what);
/* Likewise, silently: 0 or 1 if they differ, or an error. */
int pmem_differs(enum pmem_place place, size_t offset, const void *data,
		 size_t len);

/*
 * Has the server await remote CQ data, or a message, and hash place at once
 * when it arrives. pmem_arrived() has the answer.
 */
int pmem_await(enum pmem_place place, bool message, size_t offset, size_t len);
int pmem_arrived(uint64_t *hash, uint64_t *data);

/* Kills the server. Outstanding operations end, with or without an error. */
int pmem_crash(void);

#endif /* PMEM_SHARED_H */
