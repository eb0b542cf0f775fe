/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A circular log in a persistent region of a peer: records of any size, and a
 * pointer to their end, which becomes durable only after them. The writer waits
 * for nothing: record and pointer leave together, the pointer as an ordered
 * write. Link with -lofi_pmem_log; see fi_pmem_log(3), which has an example.
 *
 * Positions count the bytes that were ever appended, headers and padding
 * included; they only grow. A log lies between head(), its oldest record, and
 * end(). A log may have one Writer at a time, and any number of Readers. The
 * target's program sees to that with a Gate.
 *
 * Functions return 0 or more, or a negative fi_errno; text() then says what was
 * wrong in words. After an error other than -FI_EAGAIN, -FI_ENOSPC,
 * -FI_EMSGSIZE, -FI_EINVAL and -FI_EOVERRUN an object is of no more use: what
 * was not acknowledged is in the log or not, as a new Writer or Reader will
 * find.
 *
 * A Writer or Reader, its endpoint and its queue belong to one thread at a
 * time. Destroy one with operations in flight only after its endpoint is
 * closed.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <sys/uio.h>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

namespace ofi_pmem_log
{

/* Where a log lies: a part of a persistent region of the peer. */
struct Place {
	uint64_t addr = 0; /* as fi_write() takes it; a multiple of 64 */
	uint64_t len = 0;  /* bytes, at least kMinPlace */
	uint64_t key = 0;
	fi_addr_t peer = FI_ADDR_UNSPEC; /* ignored by a MSG endpoint */
	int timeout_ms = 10000; /* of calls that wait: then -FI_ETIMEDOUT */
};

constexpr uint64_t kMinPlace = 8192;

/*
 * How it is reached: a connected, or else enabled, endpoint with FI_RMA, and
 * the queue of its transmits. The queue has a format that tells the context and
 * is the log's alone: what other operations complete there is undefined. Bound
 * with FI_SELECTIVE_COMPLETION it has less to tell. All outlive the log's
 * object.
 */
struct Path {
	const fi_info *info = nullptr;
	fid_domain *domain = nullptr;
	fid_ep *ep = nullptr;
	fid_cq *cq = nullptr;
};

/* What the peer's memory says of a log. */
struct Status {
	uint64_t id = 0;       /* random, of its making */
	uint64_t capacity = 0; /* bytes of records, headers and padding */
	uint64_t head = 0;
	uint64_t pointer = 0; /* records before it are durable */
	uint64_t writers = 0; /* how many times it was opened for writing */
};

/* What an appended record of `len` bytes takes of the capacity. */
uint64_t space_of(uint64_t len);

/*
 * Makes an empty log, whatever there was; durable on return. Of an interrupted
 * call neither the old nor the new log may be there.
 *
 * -FI_EINVAL       the place is too small or not aligned
 * -FI_ETIMEDOUT    the peer did not answer
 * others           as of fi_writemsg() with FI_COMMIT_COMPLETE; fi_pmem(7)
 */
int create(const Path &path, const Place &place, std::string *text);

/* When a record counts as durable, and how the pointer follows it. */
enum class Order {
	/*
	 * With the pointer, which the target writes after the record: the
	 * initiator waits for neither.
	 */
	target,
	/*
	 * With the pointer, which leaves when the record's commit has been
	 * answered: a second round trip.
	 */
	initiator,
	/*
	 * With the record's own commit. The pointer follows later, and the
	 * next Writer finds the records behind it by their checksums.
	 */
	lazy,
};

struct Options {
	Order order = Order::target;
	/* Bytes; less than the provider's max_msg_size. */
	size_t max_record = 64 << 10;
	/* Appends not acknowledged yet: 1 to 65536. */
	size_t depth = 64;
	/*
	 * So many pointers may be on their way, 1 to 65536. The records that
	 * come meanwhile share the next one: with 1 a busy log commits groups.
	 */
	size_t pointers = 1;
	/* Order::lazy: the pointer follows after so many records. */
	size_t lag = 64;
};

class Writer
{
public:
	Writer(const Path &path, const Place &place, const Options &options);
	~Writer();

	/*
	 * Finds the end of the log: its pointer, and complete records behind
	 * it, which it makes durable. Waits for the peer.
	 *
	 * -FI_EINVAL       the options, or the place, which the log exceeds
	 * -FI_ENOMEM       depth times max_record is too much
	 * -FI_ENODATA      there is no log
	 * -FI_EOPNOTSUPP   it is of another version
	 * -FI_EIO          it is damaged
	 * others           as create()
	 */
	int open();

	/*
	 * Appends one record, of the bytes of `iov` in their order, 0 or more;
	 * they are copied. It is durable when acknowledged() has reached
	 * `*end`. Does not wait.
	 *
	 * -FI_EAGAIN       `depth` appends are not acknowledged: poll()
	 * -FI_ENOSPC       the log is full: retire() records
	 * -FI_EMSGSIZE     longer than max_record, or than the log
	 * others           the log has failed
	 */
	int append(const iovec *iov, size_t count, uint64_t *end);
	int append(const void *record, size_t len, uint64_t *end);

	/* Completes and posts what is possible now: 0, or the log's failure. */
	int poll();

	/*
	 * Waits until all that was appended is durable, and with Order::lazy
	 * the pointer as well.
	 */
	int sync();

	/*
	 * Gives up the records before `position`, which is where a record
	 * begins, or end(): what append() has told. Their space is free once
	 * poll() has seen that durable: until then nothing overwrites them.
	 * Does not wait.
	 *
	 * -FI_EAGAIN       another one is on its way, or records before
	 *                  `position` are not durable yet: poll()
	 * -FI_EINVAL       not between head() and end()
	 */
	int retire(uint64_t position);

	/*
	 * Gives up the oldest records, so many that `bytes` of the capacity are
	 * free. Waits.
	 *
	 * -FI_EMSGSIZE     more than the capacity
	 */
	int make_room(uint64_t bytes);

	uint64_t head() const;	       /* of the oldest record, durable */
	uint64_t end() const;	       /* where the next record begins */
	uint64_t acknowledged() const; /* records before it are durable */
	const Status &status() const;  /* as open() found it */
	const std::string &text() const;

private:
	class Impl;
	std::unique_ptr<Impl> impl_;
};

/*
 * For the program at the target: lets one Writer at a time reach a log. Each
 * Writer that is admitted gets a key of its own, and with the next admission
 * the key before it ends.
 *
 * The guarantee is that of closing a memory region of ofi_pmem: when fi_close()
 * returns, nothing that was posted with the key can reach the memory any more,
 * one-sided or not, however late it arrives, and what was not executed until
 * then fails. Over a provider without ofi_pmem, which may still be in the
 * middle of a transfer, close the former writer's endpoint as well, before the
 * next writer learns the key.
 *
 * Readers need no Gate: they use the key of another registration of the memory,
 * best one without FI_REMOTE_WRITE.
 */
class Gate
{
public:
	/*
	 * The place of one log, in memory that can be a persistent region; and
	 * the domain to register it in, with the info that it was opened with.
	 * All must outlive the gate.
	 */
	Gate(const fi_info *info, fid_domain *domain, void *memory, size_t len);
	~Gate(); /* shuts it */
	Gate(const Gate &) = delete;
	Gate &operator=(const Gate &) = delete;

	/*
	 * Shuts the gate, then opens it for a next Writer, to whom addr, len
	 * and key of `*place` are to be sent. 0, or what fi_close() or
	 * fi_mr_reg() returned: then nobody has been admitted, and if it was
	 * fi_close() the one before still has access.
	 */
	int admit(Place *place);

	/* Ends the access of the one before; 0, or as of fi_close(). */
	int shut();

private:
	const fi_info *info_;
	fid_domain *domain_;
	void *memory_;
	size_t len_;
	fid_mr *mr_ = nullptr;
};

struct Record {
	uint64_t position = 0;
	const void *data = nullptr; /* valid until the next call */
	size_t len = 0;
	/*
	 * False: behind the pointer. It may be a record that was acknowledged
	 * with Order::lazy, or one that was not and may yet vanish.
	 */
	bool durable = false;
};

/* Reads from the oldest record on, while others may write. */
class Reader
{
public:
	Reader(const Path &path, const Place &place);
	~Reader();

	/* Goes to the oldest record. Fails as Writer::open(). */
	int open();

	/*
	 * 1                the next record
	 * 0                there is none: refresh() looks for more
	 * -FI_EOVERRUN     it was retired before it was read; the next call
	 *                  goes on at the oldest
	 * -FI_EIO          a record before the pointer is damaged
	 * others           as create()
	 */
	int next(Record *record);

	/* Asks the peer how far the log goes now. */
	int refresh();

	const Status &status() const; /* as open() or refresh() found it */
	const std::string &text() const;

private:
	class Impl;
	std::unique_ptr<Impl> impl_;
};

} // namespace ofi_pmem_log
