/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What ofi_pmem has beyond libfabric's own interface. fi_pmem_ops(3) describes
 * it, with an example.
 *
 *	struct fi_ops_pmem_ep *ops;
 *	int ret = fi_open_ops(&ep->fid, FI_PMEM_EP_OPS, 0, (void **)&ops, NULL);
 *
 * gives the functions of an endpoint that was opened with FI_RMA_PMEM, any
 * time after fi_endpoint(). They live as long as the plug-in is loaded, and may
 * be called on every such endpoint. Likewise
 *
 *	struct fi_ops_pmem_domain *ops;
 *	int ret = fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, 0,
 *			      (void **)&ops, NULL);
 *
 * those of a domain that was opened with FI_RMA_PMEM. fi_open_ops() fails with
 *   -FI_EOPNOTSUPP  endpoint or domain was opened without FI_RMA_PMEM
 *   -FI_EBADFLAGS   the flags are not 0
 *   -FI_ENOSYS      the provider is not ofi_pmem, or older than this header
 */
#ifndef FI_EXT_PMEM_H
#define FI_EXT_PMEM_H

#include <stddef.h>
#include <stdint.h>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_rma.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FI_PMEM_EP_OPS "ofi_pmem ep ops"
#define FI_PMEM_DOMAIN_OPS "ofi_pmem domain ops"

/* As many ranges can one flush cover. */
#define FI_PMEM_FLUSH_RANGES 8

/*
 * A flag of fi_writemsg(), write_ordered(), flushv() and drain_all(), for
 * regions that also allow FI_REMOTE_READ: what is made durable is read back at
 * the target, without the data travelling again, and compared by digests of
 * what was written.
 *  - With FI_COMMIT_COMPLETE the completion says that the data is durable and
 *    was read back as written.
 *  - Without, the endpoint keeps digests of the data, one for each block of
 *    FI_OFI_PMEM_VERIFY_BLOCK bytes, until a later fenced commit or flush with
 *    this flag covers the block, or a later write of this endpoint changes
 *    bytes of it. At most 16384 blocks wait for each target domain; a write
 *    with more commits at once.
 *  - With FI_FENCE | FI_COMMIT_COMPLETE the waiting blocks of that target
 *    domain are compared before the data of this operation is stored: with a
 *    bad block among them it is not stored.
 * One round trip on every method: the target's service flushes, reads and
 * compares. Others must not write the same bytes meanwhile, as they would
 * differ.
 *
 * Bad blocks make it an error completion: FI_EIO, and in err_data an array of
 * struct fi_pmem_bad_block that names all of them. Every other block is known
 * to be durable and as it was written. (Without err_data there was no memory
 * for it, or something else failed: then nothing is known.) A later fenced
 * commit fails as well, as after any write that failed.
 *
 * At the call
 * -FI_EINVAL       an ordinary key; ranges that overlap; a flush for
 *                  visibility only
 * -FI_EACCES       a region was not registered for FI_REMOTE_READ
 * -FI_EOPNOTSUPP   the target has no digest that FI_OFI_PMEM_DIGEST names, or
 *                  cannot verify at all; the log names what both have
 */
#define FI_PMEM_VERIFY (1ULL << 60)

/* How bytes are digested. Of an adversary's changes only SHA-256 tells. */
enum fi_pmem_digest {
	/* XXH3-64, which every version of this provider has. */
	FI_PMEM_DIGEST_DEFAULT = 0,
	FI_PMEM_DIGEST_CRC32C = 1,
	FI_PMEM_DIGEST_CRC64_NVME = 2, /* needs ISA-L 2.31 */
	FI_PMEM_DIGEST_CRC64_ECMA = 3, /* as xz */
	FI_PMEM_DIGEST_CRC16_T10DIF = 4,
	FI_PMEM_DIGEST_XXH3_64 = 5,
	FI_PMEM_DIGEST_XXH3_128 = 6,
	FI_PMEM_DIGEST_SHA256 = 7,
};

#define FI_PMEM_MAX_DIGEST 32

/* Bytes of a digest; 0 of none. The first byte is the most significant. */
static inline size_t fi_pmem_digest_length(enum fi_pmem_digest digest)
{
	switch (digest) {
	case FI_PMEM_DIGEST_CRC16_T10DIF:
		return 2;
	case FI_PMEM_DIGEST_CRC32C:
		return 4;
	case FI_PMEM_DIGEST_CRC64_NVME:
	case FI_PMEM_DIGEST_CRC64_ECMA:
	case FI_PMEM_DIGEST_XXH3_64:
		return 8;
	case FI_PMEM_DIGEST_XXH3_128:
		return 16;
	case FI_PMEM_DIGEST_SHA256:
		return 32;
	case FI_PMEM_DIGEST_DEFAULT:
		break;
	}
	return 0;
}

/* Where the target reads the bytes that it digests. */
enum fi_pmem_coverage {
	FI_PMEM_COVERS_CACHE = 1,  /* as programs see them, maybe not durable */
	FI_PMEM_COVERS_DOMAIN = 2, /* in the persistence domain */
	FI_PMEM_COVERS_DEVICE = 3, /* as a block device returns them */
	FI_PMEM_COVERS_MEDIUM = 4, /* behind the device's own buffers */
};

/* Why a block is bad. */
enum fi_pmem_bad_reason {
	FI_PMEM_BAD_DIFFERS = 1,    /* other bytes than expected */
	FI_PMEM_BAD_UNREADABLE = 2, /* gone, or the medium fails */
};

/* In err_data as an array, in the order of ranges and blocks. */
struct fi_pmem_bad_block {
	uint64_t addr; /* as fi_write() takes it */
	uint64_t key;
	uint64_t length; /* bytes */
	enum fi_pmem_bad_reason reason;
	enum fi_pmem_digest digest;
	/* The first fi_pmem_digest_length(digest) bytes; else 0. */
	uint8_t expected[FI_PMEM_MAX_DIGEST]; /* 0 of verify() */
	uint8_t found[FI_PMEM_MAX_DIGEST];    /* 0 if unreadable */
};

/* How a commit makes a write durable; fi_pmem(7), METHODS. */
enum fi_pmem_method {
	FI_PMEM_METHOD_MESSAGE = 1, /* the target's service flushes */
	FI_PMEM_METHOD_READ = 2,    /* an RDMA READ behind the write */
	FI_PMEM_METHOD_NATIVE = 3,  /* an IB FLUSH behind the write */
	FI_PMEM_METHOD_ACK = 4,	    /* the write's own acknowledgement */
};

/* Where a flushed store is safe from a power failure. */
enum fi_pmem_domain {
	FI_PMEM_DOMAIN_DETECT = 0, /* in a declaration: as found out */
	FI_PMEM_DOMAIN_NONE = 1,   /* not persistent memory, made so by force */
	FI_PMEM_DOMAIN_MEMORY_CONTROLLER = 2, /* ADR */
	FI_PMEM_DOMAIN_CPU_CACHE = 3,	      /* eADR */
	FI_PMEM_DOMAIN_DEVICE = 4,    /* a block device, by its file system */
	FI_PMEM_DOMAIN_SIMULATED = 5, /* simulated power failures */
	FI_PMEM_DOMAIN_SYSTEM = 6,    /* the NIC's buffers are safe, too */
};

/* The unit in which stores become durable. */
enum fi_pmem_granularity {
	FI_PMEM_GRANULARITY_DETECT = 0, /* in a declaration: as found out */
	FI_PMEM_GRANULARITY_BYTE = 1,
	FI_PMEM_GRANULARITY_CACHE_LINE = 2,
	FI_PMEM_GRANULARITY_PAGE = 3,
};

/* How far a flush takes the bytes it covers. */
enum fi_pmem_placement {
	FI_PMEM_PLACE_VISIBLE = 1,    /* every reader at the target sees them */
	FI_PMEM_PLACE_PERSISTENT = 2, /* a power failure leaves them */
};

/* Which bytes a flush covers. */
enum fi_pmem_selectivity {
	FI_PMEM_SELECT_RANGES = 1,
	FI_PMEM_SELECT_REGIONS = 2,
	FI_PMEM_SELECT_PEER = 3,
};

/* What flushv() takes. */
struct fi_pmem_msg_flush {
	/*
	 * 1 to FI_PMEM_FLUSH_RANGES ranges, in persistent regions of one
	 * peer's domain. With FI_PMEM_SELECT_RANGES at least one byte each;
	 * else only the keys count, and of FI_PMEM_SELECT_PEER only the peer.
	 */
	const struct fi_rma_iov *rma_iov;
	size_t rma_iov_count;
	fi_addr_t addr; /* ignored by a MSG endpoint */
	void *context;
	enum fi_pmem_placement placement;
	enum fi_pmem_selectivity selectivity;
};

/*
 * A persistent region as this endpoint sees it. Later versions of this header
 * add members at the end.
 */
struct fi_pmem_region_attr {
	/* Set by the caller, to sizeof(struct fi_pmem_region_attr). */
	size_t size;
	/* The address of its first byte, as fi_write() takes it. */
	uint64_t base;
	uint64_t length; /* bytes */
	uint64_t access; /* FI_REMOTE_READ, FI_REMOTE_WRITE */
	enum fi_pmem_method method;
	/*
	 * Why this method and none that is faster: one sentence, which lives
	 * as long as the plug-in is loaded.
	 */
	const char *reason;
	enum fi_pmem_domain domain;
	enum fi_pmem_granularity granularity;
	/*
	 * A fenced commit of 1, 2, 4 ... up to so many bytes, whose address is
	 * a multiple of its length, is after a power failure there or not
	 * there, never in part. 8, or fewer where the region's addresses are
	 * offsets into memory that is not aligned to 8.
	 */
	size_t failure_atomic;
	/*
	 * The length of an ordered write (write_ordered(), or a fenced commit)
	 * that the NIC executes behind the flush of the earlier ones, by IB
	 * ATOMIC WRITE, bytes. 0: the service orders them. In neither case
	 * does the initiator wait for the earlier writes.
	 */
	size_t native_order;
	/* The longest single write or read, bytes. */
	size_t max_length;
	/*
	 * The digests that both sides have: bit (1 << enum fi_pmem_digest) of
	 * each. 0: a target that cannot verify.
	 */
	uint32_t digests;
	/* What a digest says something of; 0 if none is. */
	enum fi_pmem_coverage coverage;
};

/* What verify() takes. */
struct fi_pmem_msg_verify {
	/*
	 * 1 to FI_PMEM_FLUSH_RANGES ranges of at least one byte, in persistent
	 * regions of one peer's domain that allow FI_REMOTE_READ.
	 */
	const struct fi_rma_iov *rma_iov;
	size_t rma_iov_count;
	fi_addr_t addr; /* ignored by a MSG endpoint */
	void *context;
	enum fi_pmem_digest digest;
	/* Each range in blocks of so many bytes, the last of it shorter; 0: a
	 * range is one block. */
	size_t block;
	/*
	 * Gets the digests of all blocks, range by range, one behind the other.
	 * Must stay until the completion.
	 */
	void *digests;
	size_t digests_size; /* bytes */
};

/*
 * What the application says of the memory of a region that it registers. Later
 * versions of this header add members at the end.
 */
struct fi_pmem_mr_attr {
	/* Set by the caller, to sizeof(struct fi_pmem_mr_attr). */
	size_t size;
	/*
	 * The file that the memory is a shared mapping of, open for reading and
	 * writing without O_APPEND and O_DIRECT; -1: looked up by the name in
	 * the process's memory map. A declared file is found although it was
	 * renamed, or lies where the process may not open it. The descriptor
	 * stays the application's and may be closed after the call.
	 */
	int fd;
	/* Where in the file the memory begins, bytes; 0 without a file. */
	uint64_t offset;
	/*
	 * The unit in which stores become durable. Byte or cache line only
	 * where no page cache is before the file: of device DAX, of a mapping
	 * with MAP_SYNC, or of a file in DAX state (statx(2),
	 * STATX_ATTR_DAX) whose metadata the application has synced and that
	 * the kernel would map with MAP_SYNC, which it does not on virtio-pmem.
	 */
	enum fi_pmem_granularity granularity;
	/*
	 * FI_PMEM_DOMAIN_DEVICE where the file is synced page by page, else
	 * FI_PMEM_DOMAIN_MEMORY_CONTROLLER or FI_PMEM_DOMAIN_CPU_CACHE.
	 */
	enum fi_pmem_domain domain;
};

/* What read_event() tells. */
enum fi_pmem_event_kind {
	/*
	 * A flush of the region failed: what is durable in it is unknown, and
	 * it accepts nothing until it is registered anew.
	 */
	FI_PMEM_EVENT_REGION_FAILED = 1,
	/* Initiators were refused that did not prove to have the auth_key. */
	FI_PMEM_EVENT_NOT_AUTHENTICATED = 2,
	/* Or that speak other versions of the protocol. */
	FI_PMEM_EVENT_OTHER_VERSION = 3,
	/* Or came when there were FI_OFI_PMEM_MAX_CHANNELS. */
	FI_PMEM_EVENT_TOO_MANY_CHANNELS = 4,
};

/*
 * Something that happened in a domain's service. Later versions of this header
 * add members at the end.
 */
struct fi_pmem_event {
	/* Set by the caller, to sizeof(struct fi_pmem_event). */
	size_t size;
	enum fi_pmem_event_kind kind;
	int err;	/* of a region: why, a positive fi_errno; else 0 */
	uint64_t key;	/* of a region: fi_mr_key(); else 0 */
	uint64_t count; /* how many like this since the last one */
};

/* The functions of a domain. Later versions add some at the end. */
struct fi_ops_pmem_domain {
	/* Bytes of this structure, for FI_CHECK_OP(). */
	size_t size;

	/*
	 * fi_mr_regattr() with FI_RMA_PMEM besides `flags`, for memory of which
	 * the application declares what would else be found out. A declaration
	 * may tell what the provider cannot know, and may ask for more care
	 * than is needed. One that promises more than the kernel or
	 * FI_OFI_PMEM_DOMAIN says is refused, also where
	 * FI_OFI_PMEM_REGIONS=all would take the memory undeclared; beyond
	 * that it is taken on the application's word. A declared granularity
	 * goes before libpmem2's PMEM2_FORCE_GRANULARITY. With
	 * FI_OFI_PMEM_BACKEND=powerfail only the file counts: granularity and
	 * domain are the simulation's.
	 *
	 * 0                done; fi_close() closes the region
	 * -FI_EINVAL       `pmem` is null, too short, or has values that this
	 *                  header does not; another file, or part of it, is
	 *                  mapped there; or what is declared is known to be
	 *                  otherwise. The log says which.
	 * -FI_EACCES       the file is not open for reading and writing
	 * others           as of fi_mr_regattr(); fi_pmem(7), ERRORS
	 *
	 * May be called by every thread that may use the domain.
	 */
	int (*mr_reg)(struct fid_domain *domain, const struct fi_mr_attr *attr,
		      uint64_t flags, const struct fi_pmem_mr_attr *pmem,
		      struct fid_mr **mr);

	/*
	 * Gives a descriptor that poll(2) finds readable once read_event() may
	 * have something to tell. It is the domain's, the same at every call,
	 * and for nothing but waiting. 0, -FI_EINVAL, or why there is none.
	 */
	int (*event_fd)(struct fid_domain *domain, int *fd);

	/*
	 * Tells a target what its service cannot tell by a completion, each
	 * event once, whether or not there is a descriptor. Events of the same
	 * kind, but for regions, become one with a count. Read until there are
	 * no more: only then does the descriptor wait again.
	 *
	 * 0                `event` is one
	 * -FI_EAGAIN       there is none now
	 * -FI_EINVAL       `event` is null, or its size below the first
	 *                  version's
	 *
	 * Both may be called by every thread that may use the domain.
	 */
	int (*read_event)(struct fid_domain *domain,
			  struct fi_pmem_event *event);
};

/* The functions of an endpoint. Later versions add some at the end. */
struct fi_ops_pmem_ep {
	/* Bytes of this structure, for FI_CHECK_OP(). */
	size_t size;

	/*
	 * Describes the persistent region behind `key` at `peer` (of a MSG
	 * endpoint the value is ignored). Of the first call for a key the
	 * peer's service is asked, which needs the endpoint connected; later
	 * ones answer at once. What is told holds until the connection to that
	 * service is lost or the region closed.
	 *
	 * 0                done
	 * -FI_EAGAIN       the answer is not here yet: read the endpoint's
	 *                  completion queue, then call again
	 * -FI_EINVAL       `attr` is null, or its size below the first
	 *                  version's; or `key` is not a persistent region's
	 * -FI_ENOKEY       the peer has no such region
	 * -FI_EOPNOTSUPP   FI_OFI_PMEM_METHOD forces a method that is not
	 *                  safe for the region
	 * others           the peer's service cannot be reached; fi_pmem(7),
	 *                  ERRORS
	 *
	 * Has no place in the order of operations, and completes nothing. May
	 * be called by every thread that may use the endpoint.
	 */
	int (*query)(struct fid_ep *ep, fi_addr_t peer, uint64_t key,
		     struct fi_pmem_region_attr *attr);

	/*
	 * The non-posted write: stores `msg` in one range of a persistent
	 * region once everything that this endpoint wrote to that peer's
	 * persistent regions before is durable, and before a later flush,
	 * fence or commit of the endpoint in the same target domain is
	 * executed. The initiator waits for none of it. It is fi_writemsg()
	 * with FI_FENCE | FI_COMMIT_COMPLETE besides `flags`, but only takes
	 * what cannot be misunderstood:
	 *  - 1, 2, 4 or 8 bytes, up to the region's failure_atomic, naturally
	 *    aligned: after a power failure there or not there, never in part;
	 *  - more, up to fi_pmem_region_attr::max_length: in order, but a power
	 *    failure may leave a part of it.
	 *
	 * Its completion, on the endpoint's queue and counters as that of
	 * fi_writemsg(), says that it and all of these earlier writes are
	 * durable. An error among them is this one's error: then it was not
	 * stored. `msg` may go after the call, its buffers only after the
	 * completion unless FI_INJECT is given.
	 *
	 * 0                posted; a completion follows
	 * -FI_EAGAIN       nothing happened: read the completion queue, then
	 *                  call again
	 * -FI_EINVAL       another length or alignment, not one range, or not
	 *                  of a persistent region
	 * others           as of fi_writemsg() with FI_COMMIT_COMPLETE;
	 *                  fi_pmem(7), ERRORS
	 *
	 * May be called by every thread that may use the endpoint.
	 */
	ssize_t (*write_ordered)(struct fid_ep *ep,
				 const struct fi_msg_rma *msg, uint64_t flags);

	/*
	 * Makes what this endpoint wrote before to `len` bytes (not 0) from
	 * `addr` on durable or, with FI_PMEM_PLACE_VISIBLE, visible: flushv()
	 * of one range, with the endpoint's default flags.
	 */
	ssize_t (*flush)(struct fid_ep *ep, uint64_t addr, size_t len,
			 uint64_t key, fi_addr_t peer,
			 enum fi_pmem_placement placement, void *context);

	/*
	 * Its completion, on the endpoint's queue with FI_RMA | FI_WRITE and
	 * length 0 and on its write counter, says that what this endpoint
	 * wrote before the call has the placement asked for, of
	 *  FI_PMEM_SELECT_RANGES   the bytes of the ranges;
	 *  FI_PMEM_SELECT_REGIONS  these regions, where this endpoint wrote;
	 *  FI_PMEM_SELECT_PEER     all that it wrote to the peer: persistent,
	 *                          as a fenced commit of 0 bytes, but without
	 *                          waiting for the endpoint's other transmits.
	 * Nothing is said of what others wrote, except of
	 * FI_PMEM_SELECT_RANGES in a region of granularity page, whose file the
	 * target syncs whoever wrote to it. A write that failed has said so
	 * itself; of FI_PMEM_SELECT_PEER its error is the flush's as well.
	 *
	 * Is executed after every earlier operation of this endpoint in the
	 * same target domain, and before a later fenced one; a later write may
	 * be visible, and durable, before it.
	 *
	 * `flags`: FI_COMPLETION, FI_PMEM_VERIFY, both or 0. `msg` may go
	 * after the call. With FI_PMEM_VERIFY the blocks are compared that wait
	 * for that and lie wholly within what is flushed, of the same target
	 * domain; the length of the completion is how many bytes these were.
	 *
	 * 0                posted; a completion follows
	 * -FI_EAGAIN       nothing happened: read the completion queue, then
	 *                  call again
	 * -FI_EINVAL       no range, too many, an empty one, one outside its
	 *                  region or not in a persistent region of the peer;
	 *                  or an unknown placement or selectivity
	 * -FI_EBADFLAGS    other flags
	 * -FI_EACCES       a region was not registered for FI_REMOTE_WRITE
	 * -FI_ECONNABORTED writes to the peer were lost with their connection;
	 *                  reported once, by this or by a fenced commit
	 * others           as of fi_writemsg(); fi_pmem(7), ERRORS
	 *
	 * Both may be called by every thread that may use the endpoint.
	 */
	ssize_t (*flushv)(struct fid_ep *ep,
			  const struct fi_pmem_msg_flush *msg, uint64_t flags);

	/*
	 * A fenced commit of 0 bytes to every peer at once: its completion,
	 * as that of flushv(), says that all that this endpoint wrote to
	 * persistent regions before the call is durable. With an error at
	 * least one peer's is not known to be. With FI_PMEM_VERIFY all blocks
	 * that wait for that are compared.
	 *
	 * Returns as flushv() does: 0, -FI_EAGAIN, -FI_EBADFLAGS,
	 * -FI_ECONNABORTED (writes to any peer).
	 */
	ssize_t (*drain_all)(struct fid_ep *ep, void *context, uint64_t flags);

	/*
	 * Has the target digest what is durable of some ranges; no data
	 * travels. Is executed after every earlier operation of this endpoint
	 * in the same target domain, and before a later write of the same
	 * bytes. What was written and not flushed may be digested or not. Its
	 * completion has FI_RMA | FI_READ and the sum of the ranges as length,
	 * and says that all digests are in place.
	 *
	 * Blocks that cannot be read make it an error completion: FI_EIO, and
	 * in err_data an array of struct fi_pmem_bad_block that names all of
	 * them. Their digests are 0, all others are in place. (Without err_data
	 * there was no memory for it, and any block may be one of them.)
	 *
	 * The target's CPU evicts its caches to read behind them, which makes
	 * durable what a missing flush had not: so a digest of persistent
	 * memory does not show that a flush is missing. That of the simulated
	 * power failure does.
	 *
	 * `flags`: 0 or FI_COMPLETION. `msg` and its ranges may go after the
	 * call.
	 *
	 * 0                posted; a completion follows
	 * -FI_EAGAIN       nothing happened: read the completion queue, then
	 *                  call again
	 * -FI_EINVAL       no range, too many, an empty one, one outside its
	 *                  region or not of a persistent region of the peer; or
	 *                  not a digest of this header
	 * -FI_ETOOSMALL    digests_size is too small for all blocks
	 * -FI_EOPNOTSUPP   this side or the target does not have the digest, or
	 *                  the target cannot verify at all; the log names what
	 *                  both have
	 * -FI_EBADFLAGS    other flags
	 * -FI_EACCES       a region was not registered for FI_REMOTE_READ
	 * others           as of fi_readmsg(); fi_pmem(7), ERRORS
	 *
	 * May be called by every thread that may use the endpoint.
	 */
	ssize_t (*verify)(struct fid_ep *ep,
			  const struct fi_pmem_msg_verify *msg, uint64_t flags);
};

#ifdef __cplusplus
}
#endif

#endif /* FI_EXT_PMEM_H */
