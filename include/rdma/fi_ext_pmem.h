/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The extensions of ofi_pmem to libfabric's own interface. fi_pmem_ops(3)
 * describes them, with examples.
 *
 *	struct fi_ops_pmem_ep *ops;
 *	int ret = fi_open_ops(&ep->fid, FI_PMEM_EP_OPS, 0, (void **)&ops, NULL);
 *
 * returns the functions of an endpoint that was opened with FI_RMA_PMEM, at any
 * time after fi_endpoint(). They stay valid as long as the plug-in is loaded
 * and may be called on every such endpoint. Likewise,
 *
 *	struct fi_ops_pmem_domain *ops;
 *	int ret = fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, 0,
 *			      (void **)&ops, NULL);
 *
 * returns the functions of a domain that was opened with FI_RMA_PMEM.
 * fi_open_ops() can fail with the following errors:
 *   -FI_EOPNOTSUPP  the endpoint or domain was opened without FI_RMA_PMEM
 *   -FI_EBADFLAGS   the flags are not 0
 *   -FI_ENOSYS      the provider is not ofi_pmem, or is older than this header
 */
#ifndef FI_EXT_PMEM_H
#define FI_EXT_PMEM_H

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_rma.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FI_PMEM_EP_OPS "ofi_pmem ep ops"
#define FI_PMEM_DOMAIN_OPS "ofi_pmem domain ops"

/* A flush has at most this many ranges. */
#define FI_PMEM_FLUSH_RANGES 8

/*
 * A flag for fi_writemsg(), write_ordered(), flushv() and drain_all() on
 * regions that also allow FI_REMOTE_READ. The target reads back what it makes
 * durable and compares it with digests of what was written; the data does not
 * travel again.
 *  - With FI_COMMIT_COMPLETE the completion means that the data is durable and
 *    was read back as written.
 *  - Without FI_COMMIT_COMPLETE the endpoint keeps a digest of each block of
 *    FI_OFI_PMEM_VERIFY_BLOCK bytes until a later fenced commit or flush with
 *    this flag covers the block, or a later write of this endpoint changes
 *    bytes of it. At most 16384 blocks wait for each target domain; a write
 *    that finds no room for its blocks commits at once.
 *  - With FI_FENCE | FI_COMMIT_COMPLETE the waiting blocks of that target
 *    domain are compared before the data of this operation is stored. If one
 *    of them is bad, the data is not stored.
 * It takes one round trip with every method: the target's service flushes,
 * reads and compares. Nobody else may write the same bytes meanwhile, or they
 * would differ.
 *
 * If blocks are bad, the operation completes with the error FI_EIO, and
 * err_data is an array of struct fi_pmem_bad_block that names all of them.
 * Every other block is known to be durable and as it was written. (If there is
 * no err_data, memory for it was short or something else failed; then nothing
 * is known.) A later fenced commit fails as well, as after any failed write.
 *
 * The call can fail with the following errors:
 * -FI_EINVAL       the key is an ordinary one, ranges overlap, or the flush is
 *                  for visibility only
 * -FI_EACCES       a region was not registered for FI_REMOTE_READ
 * -FI_EOPNOTSUPP   the target has no digest that FI_OFI_PMEM_DIGEST names, or
 *                  cannot verify at all; the log names the digests of both
 */
#define FI_PMEM_VERIFY (1ULL << 60)

/* Digest algorithms. Only SHA-256 detects deliberate changes. */
enum fi_pmem_digest {
	/* This is XXH3-64, which every version of this provider has. */
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

/* Length of a digest in bytes, or 0. Its first byte is the most significant. */
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

/* Says where the target reads the bytes that it digests. */
enum fi_pmem_coverage {
	FI_PMEM_COVERS_CACHE = 1,  /* as programs see them; may be volatile */
	FI_PMEM_COVERS_DOMAIN = 2, /* in the persistence domain */
	FI_PMEM_COVERS_DEVICE = 3, /* as a block device returns them */
	FI_PMEM_COVERS_MEDIUM = 4, /* behind the device's own buffers */
};

/* Why a block is bad. */
enum fi_pmem_bad_reason {
	FI_PMEM_BAD_DIFFERS = 1,    /* not the expected bytes */
	FI_PMEM_BAD_UNREADABLE = 2, /* gone, or the medium fails */
};

/* err_data is an array of these, in the order of ranges and blocks. */
struct fi_pmem_bad_block {
	uint64_t addr; /* as fi_write() takes it */
	uint64_t key;
	uint64_t length; /* bytes */
	enum fi_pmem_bad_reason reason;
	enum fi_pmem_digest digest;
	/* fi_pmem_digest_length(digest) bytes are used; the rest is 0. */
	uint8_t expected[FI_PMEM_MAX_DIGEST]; /* 0 for verify() */
	uint8_t found[FI_PMEM_MAX_DIGEST];    /* 0 if unreadable */
};

/* How a commit makes a write durable; fi_pmem(7), METHODS. */
enum fi_pmem_method {
	FI_PMEM_METHOD_MESSAGE = 1, /* the target's service flushes */
	FI_PMEM_METHOD_READ = 2,    /* an RDMA READ behind the write */
	FI_PMEM_METHOD_NATIVE = 3,  /* an IB FLUSH behind the write */
	FI_PMEM_METHOD_ACK = 4,	    /* the write's own acknowledgement */
};

/* The authenticated ciphers of region keys; fi_pmem_seal(7). */
enum fi_pmem_cipher {
	FI_PMEM_AES_128_GCM = 1,
	FI_PMEM_AES_256_GCM = 2,
	FI_PMEM_AES_128_CCM = 3,
	FI_PMEM_AES_256_CCM = 4,
	FI_PMEM_CHACHA20_POLY1305 = 5,
};

/* The length of the cipher's keys in bytes, or 0. */
static inline size_t fi_pmem_key_length(enum fi_pmem_cipher cipher)
{
	switch (cipher) {
	case FI_PMEM_AES_128_GCM:
	case FI_PMEM_AES_128_CCM:
		return 16;
	case FI_PMEM_AES_256_GCM:
	case FI_PMEM_AES_256_CCM:
	case FI_PMEM_CHACHA20_POLY1305:
		return 32;
	}
	return 0;
}

/*
 * A region key. Later versions of this header add members at the end; the
 * caller sets those that it does not use to 0.
 */
struct fi_pmem_key {
	/* The caller sets this to sizeof(struct fi_pmem_key). */
	size_t size;
	/* Names the key at both ends; not 0. Ids travel in clear. */
	uint64_t id;
	enum fi_pmem_cipher cipher;
	/* fi_pmem_key_length(cipher) bytes. They are copied; the caller wipes
	 * its own. */
	const uint8_t *bytes;
	size_t length;
	/*
	 * How much may be sealed and opened with keys that are derived from
	 * this one, by this domain: bytes of messages, and records of up to 64
	 * KiB. 0 means no limit. At 90 % a warning is logged; at 100 %
	 * operations are refused with -FI_EKEYREJECTED.
	 */
	uint64_t max_bytes;
	uint64_t max_records;
};

/*
 * Nonces for the upper layer's own use, with keys that derive() returned for
 * the same connection: `count` numbers of 96 bits, big endian, from `first` on.
 * Later versions of this header add members at the end.
 */
struct fi_pmem_nonces {
	/* The caller sets this to sizeof(struct fi_pmem_nonces). */
	size_t size;
	uint64_t count;
	uint8_t first[12];
	/* As derive() returns it. */
	uint64_t connection;
};

/* Where a flushed store is safe from a power failure. */
enum fi_pmem_domain {
	FI_PMEM_DOMAIN_DETECT = 0, /* in a declaration: detect it */
	FI_PMEM_DOMAIN_NONE = 1,   /* not persistent memory, but forced */
	FI_PMEM_DOMAIN_MEMORY_CONTROLLER = 2, /* ADR */
	FI_PMEM_DOMAIN_CPU_CACHE = 3,	      /* eADR */
	FI_PMEM_DOMAIN_DEVICE = 4,    /* a block device, by its file system */
	FI_PMEM_DOMAIN_SIMULATED = 5, /* simulated power failures */
	FI_PMEM_DOMAIN_SYSTEM = 6,    /* the NIC's buffers are safe, too */
};

/* Stores become durable in this unit. */
enum fi_pmem_granularity {
	FI_PMEM_GRANULARITY_DETECT = 0, /* in a declaration: detect it */
	FI_PMEM_GRANULARITY_BYTE = 1,
	FI_PMEM_GRANULARITY_CACHE_LINE = 2,
	FI_PMEM_GRANULARITY_PAGE = 3,
};

/* How far a flush takes the bytes it covers. */
enum fi_pmem_placement {
	FI_PMEM_PLACE_VISIBLE = 1,    /* every reader at the target sees them */
	FI_PMEM_PLACE_PERSISTENT = 2, /* they survive a power failure */
};

/* Says which bytes a flush covers. */
enum fi_pmem_selectivity {
	FI_PMEM_SELECT_RANGES = 1,
	FI_PMEM_SELECT_REGIONS = 2,
	FI_PMEM_SELECT_PEER = 3,
};

/* This is the argument of flushv(). */
struct fi_pmem_msg_flush {
	/*
	 * 1 to FI_PMEM_FLUSH_RANGES ranges in persistent regions of one
	 * peer's domain. With FI_PMEM_SELECT_RANGES each has at least one
	 * byte. With FI_PMEM_SELECT_REGIONS only the keys count, with
	 * FI_PMEM_SELECT_PEER only the peer.
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
	/* The caller sets this to sizeof(struct fi_pmem_region_attr). */
	size_t size;
	/* The address of its first byte, as fi_write() takes it. */
	uint64_t base;
	uint64_t length; /* bytes */
	uint64_t access; /* FI_REMOTE_READ, FI_REMOTE_WRITE */
	enum fi_pmem_method method;
	/*
	 * One sentence that says why this method is used and none that is
	 * faster. It stays valid as long as the plug-in is loaded.
	 */
	const char *reason;
	enum fi_pmem_domain domain;
	enum fi_pmem_granularity granularity;
	/*
	 * Largest fenced commit that is all or nothing across a power failure,
	 * bytes. So is every smaller one of 1, 2, 4 ... bytes. The address
	 * must be a multiple of the length. The value is 8, or less where the
	 * region's addresses are offsets into memory that is not aligned to 8.
	 */
	size_t failure_atomic;
	/*
	 * Length of an ordered write (write_ordered(), or a fenced commit)
	 * that the NIC executes behind the flush of the earlier writes, by IB
	 * ATOMIC WRITE, bytes. If it is 0, the service orders them. In neither
	 * case does the initiator wait for the earlier writes.
	 */
	size_t native_order;
	/* A single write or read has at most this many bytes. */
	size_t max_length;
	/*
	 * The digests that both sides have, as bits (1 << enum
	 * fi_pmem_digest). 0 means that the target cannot verify.
	 */
	uint32_t digests;
	/* Which copy of the data a digest covers; 0 if there are no digests. */
	enum fi_pmem_coverage coverage;
	/* The region key that seals the channel to it; 0: it is not sealed. */
	uint64_t key_id;
	enum fi_pmem_cipher cipher; /* 0: it is not sealed */
	/* What is left of fi_pmem_key::max_bytes here; UINT64_MAX: no limit. */
	uint64_t key_bytes_left;
};

/* This is the argument of verify(). */
struct fi_pmem_msg_verify {
	/*
	 * 1 to FI_PMEM_FLUSH_RANGES ranges of at least one byte each, in
	 * persistent regions of one peer's domain that allow FI_REMOTE_READ.
	 */
	const struct fi_rma_iov *rma_iov;
	size_t rma_iov_count;
	fi_addr_t addr; /* ignored by a MSG endpoint */
	void *context;
	enum fi_pmem_digest digest;
	/*
	 * Each range is digested in blocks of this many bytes; its last block
	 * may be shorter. 0 makes each range one block.
	 */
	size_t block;
	/*
	 * Receives the digests of all blocks, range by range, without gaps. The
	 * buffer must stay valid until the completion.
	 */
	void *digests;
	size_t digests_size; /* bytes */
};

/*
 * The application's declaration of the memory of a region that it registers.
 * Later versions of this header add members at the end.
 */
struct fi_pmem_mr_attr {
	/* The caller sets this to sizeof(struct fi_pmem_mr_attr). */
	size_t size;
	/*
	 * The file of which the memory is a shared mapping, open for reading
	 * and writing, or for reading only if nobody stores to the region,
	 * without O_APPEND and O_DIRECT. With -1 the provider looks
	 * it up by the name in the process's memory map. A declared file is
	 * found even if it was renamed or the process may not open it. The
	 * descriptor stays the application's and may be closed after the call.
	 */
	int fd;
	/* Offset in the file at which the memory begins, bytes; 0 without a
	 * file. */
	uint64_t offset;
	/*
	 * The unit in which stores become durable. Byte and cache line are
	 * valid only if there is no page cache in front of the file: for device
	 * DAX, for a mapping with MAP_SYNC, or for a file in DAX state
	 * (statx(2), STATX_ATTR_DAX) whose metadata the application has synced
	 * and that the kernel would map with MAP_SYNC, which it does not do on
	 * virtio-pmem.
	 */
	enum fi_pmem_granularity granularity;
	/*
	 * FI_PMEM_DOMAIN_DEVICE if the file is synced page by page, else
	 * FI_PMEM_DOMAIN_MEMORY_CONTROLLER or FI_PMEM_DOMAIN_CPU_CACHE.
	 */
	enum fi_pmem_domain domain;
	/*
	 * The first region key that the region accepts, a key of the domain. It
	 * is sealed then, for its life: no initiator reaches it in clear. With
	 * 0 the key file decides (FI_OFI_PMEM_SEAL_KEY_FILE).
	 */
	uint64_t key_id;
};

/* The kinds of events that read_event() returns. */
enum fi_pmem_event_kind {
	/*
	 * A flush of the region failed. It is unknown what is durable in it,
	 * and it accepts no write until it is registered again.
	 */
	FI_PMEM_EVENT_REGION_FAILED = 1,
	/* Initiators were refused: they did not prove to have the auth_key, or
	 * the region key that they named. */
	FI_PMEM_EVENT_NOT_AUTHENTICATED = 2,
	/* Initiators were refused: they speak other protocol versions. */
	FI_PMEM_EVENT_OTHER_VERSION = 3,
	/* Initiators were refused: FI_OFI_PMEM_MAX_CHANNELS was reached. */
	FI_PMEM_EVENT_TOO_MANY_CHANNELS = 4,
};

/*
 * Something that happened in a domain's service. Later versions of this header
 * add members at the end.
 */
struct fi_pmem_event {
	/* The caller sets this to sizeof(struct fi_pmem_event). */
	size_t size;
	enum fi_pmem_event_kind kind;
	int err;	/* for a region: positive fi_errno; else 0 */
	uint64_t key;	/* for a region: fi_mr_key(); else 0 */
	uint64_t count; /* how many of this kind since the last one */
};

/* The functions of a domain. Later versions add some at the end. */
struct fi_ops_pmem_domain {
	/* FI_CHECK_OP() reads the size of this structure here, in bytes. */
	size_t size;

	/*
	 * Does what fi_mr_regattr() does with FI_RMA_PMEM added to `flags`, for
	 * memory whose properties the application declares instead of having
	 * them detected. A declaration may say what the provider cannot know,
	 * and may ask for more care than is needed. One that promises more than
	 * the kernel or FI_OFI_PMEM_DOMAIN says is refused, even where
	 * FI_OFI_PMEM_REGIONS=all would accept the memory undeclared. Beyond
	 * that, the provider takes the application's word. A declared
	 * granularity overrides libpmem2's PMEM2_FORCE_GRANULARITY. With
	 * FI_OFI_PMEM_BACKEND=powerfail only the file counts: granularity and
	 * domain are those of the simulation.
	 *
	 * 0                done; fi_close() closes the region
	 * -FI_EINVAL       `pmem` is null, too short, or has values that this
	 *                  header does not define; another file, or another
	 *                  part of it, is mapped there; or the declaration is
	 *                  known to be false. The log says which.
	 * -FI_EACCES       the file is not open for reading and writing, or
	 *                  for reading if nobody stores to the region
	 * others           as for fi_mr_regattr(); fi_pmem(7), ERRORS
	 *
	 * Every thread that may use the domain may call it.
	 */
	int (*mr_reg)(struct fid_domain *domain, const struct fi_mr_attr *attr,
		      uint64_t flags, const struct fi_pmem_mr_attr *pmem,
		      struct fid_mr **mr);

	/*
	 * Returns a descriptor that poll(2) reports as readable once
	 * read_event() may have an event. The descriptor belongs to the domain,
	 * is the same at every call, and serves only for waiting. The result is
	 * 0, -FI_EINVAL, or the reason why there is no descriptor.
	 */
	int (*event_fd)(struct fid_domain *domain, int *fd);

	/*
	 * Reports to a target what its service cannot report by a completion.
	 * Each event is returned once, whether or not there is a descriptor.
	 * Events of the same kind become one with a count, except those of
	 * regions. Read until there are no more: only then does the descriptor
	 * wait again.
	 *
	 * 0                `event` has been filled in
	 * -FI_EAGAIN       there is no event now
	 * -FI_EINVAL       `event` is null, or its size is below that of the
	 *                  first version
	 * -FI_EOPNOTSUPP   the domain was opened before this process was forked
	 *
	 * Every thread that may use the domain may call both.
	 */
	int (*read_event)(struct fid_domain *domain,
			  struct fi_pmem_event *event);

	/*
	 * Adds a region key to those of the domain. It may be added again.
	 *
	 * 0                done
	 * -FI_EINVAL       `key` is null or too short, its id is 0, the cipher
	 *                  is not one of this header, or the length is not that
	 *                  of the cipher's keys; the log says which
	 * -FI_EALREADY     there is another key with this id: other bytes,
	 *                  another cipher or other limits
	 * -FI_EOPNOTSUPP   FI_OFI_PMEM_SEAL=off, or the domain was opened
	 *                  before this process was forked
	 * -FI_ENOMEM       memory is short
	 *
	 * Every thread that may use the domain may call this and the next four,
	 * except from a callback of the provider.
	 */
	int (*key_add)(struct fid_domain *domain,
		       const struct fi_pmem_key *key);

	/*
	 * Removes and wipes a key. When it has returned, every channel that the
	 * key sealed is closed, at this end: what was outstanding there has
	 * failed or will not be executed. Regions do not accept the key any
	 * more, and bindings to it are gone. Returns 0, or -FI_ENOKEY if there
	 * is no such key.
	 */
	int (*key_remove)(struct fid_domain *domain, uint64_t id);

	/*
	 * Chooses the key for the channel to a remote region, or with mr_key 0
	 * for all that have no choice of their own. Only the initiator chooses.
	 * The id 0 takes a choice back. Operations that were posted under an
	 * earlier choice are durable before the next one is executed, which may
	 * be refused with -FI_EAGAIN until then; and with -FI_EBUSY if blocks
	 * of theirs wait to be read back (FI_PMEM_VERIFY; drain_all() compares
	 * them). `flags` must be 0.
	 *
	 * 0                done
	 * -FI_ENOKEY       the domain has no such key
	 * -FI_EINVAL       mr_key is not that of a sealed region
	 * -FI_EBADFLAGS    there are flags
	 */
	int (*key_bind)(struct fid_domain *domain, uint64_t mr_key, uint64_t id,
			uint64_t flags);

	/*
	 * The sealed region accepts one key more, or one less. At most 8 are
	 * accepted at a time. When mr_key_remove() has returned, nothing under
	 * that key is executed on the region any more.
	 *
	 * 0                done
	 * -FI_EINVAL       it is not a sealed region
	 * -FI_ENOKEY       the domain, or for mr_key_remove() the region, has
	 *                  no such key
	 * -FI_ENOSPC       the region accepts 8 keys already
	 */
	int (*mr_key_add)(struct fid_mr *mr, uint64_t id);
	int (*mr_key_remove)(struct fid_mr *mr, uint64_t id);
};

/* The functions of an endpoint. Later versions add some at the end. */
struct fi_ops_pmem_ep {
	/* FI_CHECK_OP() reads the size of this structure here, in bytes. */
	size_t size;

	/*
	 * Describes the persistent region behind `key` at `peer` (which a MSG
	 * endpoint ignores). The first call for a key asks the peer's service,
	 * for which the endpoint must be connected; later calls answer at once.
	 * The answer holds until the connection to that service is lost or the
	 * region is closed.
	 *
	 * 0                done
	 * -FI_EAGAIN       the answer is not here yet: read the endpoint's
	 *                  completion queue, then call again
	 * -FI_EINVAL       `attr` is null, its size is below that of the first
	 *                  version, or `key` is not that of a persistent region
	 * -FI_ENOKEY       the peer has no such region
	 * -FI_EOPNOTSUPP   FI_OFI_PMEM_METHOD forces a method that is not
	 *                  safe for the region
	 * others           the peer's service cannot be reached; fi_pmem(7),
	 *                  ERRORS
	 *
	 * The call has no place in the order of operations and completes
	 * nothing. Every thread that may use the endpoint may call it.
	 */
	int (*query)(struct fid_ep *ep, fi_addr_t peer, uint64_t key,
		     struct fi_pmem_region_attr *attr);

	/*
	 * The non-posted write. It stores `msg` in one range of a persistent
	 * region after everything that this endpoint wrote earlier to that
	 * peer's persistent regions is durable, and before a later flush, fence
	 * or commit of the endpoint in the same target domain is executed. The
	 * initiator waits for none of it. The call is fi_writemsg() with
	 * FI_FENCE | FI_COMMIT_COMPLETE added to `flags`, but accepts only
	 * writes that cannot be misunderstood:
	 *  - 1, 2, 4 or 8 naturally aligned bytes, up to the region's
	 *    failure_atomic, are all or nothing across a power failure;
	 *  - more bytes, up to fi_pmem_region_attr::max_length, are in order,
	 *    but a power failure may leave a part of them.
	 *
	 * Its completion appears on the endpoint's queue and counters as that
	 * of fi_writemsg() does, and means that this write and all these
	 * earlier ones are durable. If an earlier write failed, this one fails
	 * with its error and was not stored. `msg` may be freed after the call,
	 * its buffers only after the completion unless FI_INJECT is given.
	 *
	 * 0                posted; a completion follows
	 * -FI_EAGAIN       nothing happened: read the completion queue, then
	 *                  call again
	 * -FI_EINVAL       the length or alignment is another, or `msg` is not
	 *                  for one range of a persistent region
	 * others           as for fi_writemsg() with FI_COMMIT_COMPLETE;
	 *                  fi_pmem(7), ERRORS
	 *
	 * Every thread that may use the endpoint may call it.
	 */
	ssize_t (*write_ordered)(struct fid_ep *ep,
				 const struct fi_msg_rma *msg, uint64_t flags);

	/*
	 * Makes durable, or visible with FI_PMEM_PLACE_VISIBLE, what this
	 * endpoint wrote earlier to `len` bytes (not 0) from `addr` on. This is
	 * flushv() of one range with the endpoint's default flags.
	 */
	ssize_t (*flush)(struct fid_ep *ep, uint64_t addr, size_t len,
			 uint64_t key, fi_addr_t peer,
			 enum fi_pmem_placement placement, void *context);

	/*
	 * Flushes. The completion appears on the endpoint's queue with FI_RMA |
	 * FI_WRITE and length 0, and on its write counter. It means that what
	 * this endpoint wrote before the call has the requested placement:
	 *  FI_PMEM_SELECT_RANGES   in the bytes of the ranges;
	 *  FI_PMEM_SELECT_REGIONS  in these regions, where this endpoint wrote;
	 *  FI_PMEM_SELECT_PEER     everywhere at the peer. If persistent, this
	 *                          is a fenced commit of 0 bytes that does not
	 *                          wait for the endpoint's other transmits.
	 * It says nothing about what others wrote, except for
	 * FI_PMEM_SELECT_RANGES in a region of granularity page, whose file the
	 * target syncs whoever wrote to it. A failed write has reported its own
	 * error; with FI_PMEM_SELECT_PEER the flush fails with it as well.
	 *
	 * A flush is executed after every earlier operation of this endpoint in
	 * the same target domain, and before a later fenced one. A later write
	 * may be visible, and durable, before it.
	 *
	 * `flags` are FI_COMPLETION, FI_PMEM_VERIFY, both or 0. `msg` may be
	 * freed after the call. With FI_PMEM_VERIFY the target compares the
	 * waiting blocks that lie wholly within what is flushed, in the same
	 * target domain; the length of the completion is the sum of theirs.
	 *
	 * 0                posted; a completion follows
	 * -FI_EAGAIN       nothing happened: read the completion queue, then
	 *                  call again
	 * -FI_EINVAL       there is no range, there are too many, or one is
	 *                  empty, outside its region or not in a persistent
	 *                  region of the peer; or the placement or selectivity
	 *                  is unknown
	 * -FI_EBADFLAGS    there are other flags
	 * -FI_EACCES       a region was not registered for FI_REMOTE_WRITE
	 * -FI_ECONNABORTED writes to the peer may have been lost with their
	 *                  connection; reported once, by this or by a fenced
	 *                  commit
	 * others           as for fi_writemsg(); fi_pmem(7), ERRORS
	 *
	 * Every thread that may use the endpoint may call flush() and flushv().
	 */
	ssize_t (*flushv)(struct fid_ep *ep,
			  const struct fi_pmem_msg_flush *msg, uint64_t flags);

	/*
	 * Sends a fenced commit of 0 bytes to every peer at once. Its one
	 * completion, like that of flushv(), means that everything that this
	 * endpoint wrote to persistent regions before the call is durable. If
	 * it is an error, the writes to at least one peer are not known to be.
	 * With FI_PMEM_VERIFY all waiting blocks are compared.
	 *
	 * It returns what flushv() does: 0, -FI_EAGAIN, -FI_EBADFLAGS,
	 * -FI_ECONNABORTED (writes to any peer).
	 */
	ssize_t (*drain_all)(struct fid_ep *ep, void *context, uint64_t flags);

	/*
	 * Has the target digest what is durable in some ranges; no data
	 * travels. The call is executed after every earlier operation of this
	 * endpoint in the same target domain, and before a later write of the
	 * same bytes. Data that was written but not flushed may be digested or
	 * not. The completion has FI_RMA | FI_READ and the sum of the ranges as
	 * length, and means that all digests are in place.
	 *
	 * If blocks cannot be read, the call completes with the error FI_EIO,
	 * and err_data is an array of struct fi_pmem_bad_block that names all
	 * of them. Their digests are 0, all others are in place. (If there is
	 * no err_data, memory for it was short, and any block may be bad.)
	 *
	 * The target's CPU evicts its caches to read behind them. That makes
	 * durable what a missing flush did not, so a digest of persistent
	 * memory does not show that a flush is missing. A digest under
	 * simulated power failure does.
	 *
	 * `flags` are 0 or FI_COMPLETION. `msg` and its ranges may be freed
	 * after the call.
	 *
	 * 0                posted; a completion follows
	 * -FI_EAGAIN       nothing happened: read the completion queue, then
	 *                  call again
	 * -FI_EINVAL       there is no range, there are too many, or one is
	 *                  empty, outside its region or not in a persistent
	 *                  region of the peer; or this header does not define
	 *                  the digest
	 * -FI_ETOOSMALL    digests_size is too small for all blocks
	 * -FI_EOPNOTSUPP   this side or the target does not have the digest, or
	 *                  the target cannot verify at all; the log names the
	 *                  digests of both
	 * -FI_EBADFLAGS    there are other flags
	 * -FI_EACCES       a region was not registered for FI_REMOTE_READ
	 * others           as for fi_readmsg(); fi_pmem(7), ERRORS
	 *
	 * Every thread that may use the endpoint may call it.
	 */
	ssize_t (*verify)(struct fid_ep *ep,
			  const struct fi_pmem_msg_verify *msg, uint64_t flags);

	/*
	 * Derives a key of the upper layer's own from a sealed connection, as
	 * an exporter of TLS does (RFC 8446, 7.5): `len` bytes, 1 to 1024, that
	 * both ends get for the same label, a string of at most 200 bytes, and
	 * nobody else. They say nothing about the provider's own keys. The
	 * initiator sets *connection to 0 and names a sealed region of `peer`;
	 * it gets the name of the connection, which it tells its target. The
	 * target sets *connection to that, and the other two do not matter.
	 * With the connection the keys are gone; after a reconnection there are
	 * others.
	 *
	 * 0                done
	 * -FI_EAGAIN       there is no connection yet: read the completion
	 *                  queue, then call again
	 * -FI_EINVAL       an argument is null or out of its range, or the
	 *                  region is not sealed
	 * -FI_ENOKEY       there is no such connection
	 * others           as for fi_writemsg(); fi_pmem(7), ERRORS
	 *
	 * Every thread that may use the endpoint may call this and the next.
	 */
	int (*derive)(struct fid_ep *ep, fi_addr_t peer, uint64_t mr_key,
		      const char *label, void *out, size_t len,
		      uint64_t *connection);

	/*
	 * Takes `count` nonces, 1 or more, that nobody else gets on the
	 * connection to a sealed region of `peer`, and that the provider never
	 * uses. Only the initiator can; its target derives a key of its own.
	 * Returns what derive() does.
	 */
	int (*take_nonces)(struct fid_ep *ep, fi_addr_t peer, uint64_t mr_key,
			   uint64_t count, struct fi_pmem_nonces *nonces);
};

#ifdef __cplusplus
}
#endif

#endif /* FI_EXT_PMEM_H */
