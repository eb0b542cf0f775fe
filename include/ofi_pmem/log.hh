/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A circular log in a persistent region of a peer: records of any size, and a
 * pointer to their end, which becomes durable only after them. The writer waits
 * for nothing: record and pointer leave together, the pointer as an ordered
 * write. Link with -lofi_pmem_log; fi_pmem_log(3) has an example.
 *
 * Positions count the bytes that were ever appended, headers and padding
 * included; they only grow. A log lies between head(), its oldest record, and
 * end(). A log may have one Writer at a time, and any number of Readers. The
 * target's program ensures that with a Gate.
 *
 * Functions return 0 or more, or a negative fi_errno; text() then says in words
 * what was wrong. After an error other than -FI_EAGAIN, -FI_ENOSPC,
 * -FI_EMSGSIZE, -FI_EINVAL and -FI_EOVERRUN an object is of no more use: what
 * was not acknowledged may be in the log or not, as a new Writer or Reader will
 * find.
 *
 * A Writer or Reader, its endpoint and its queue belong to one thread at a
 * time. Destroy one with operations in flight only after its endpoint is
 * closed.
 */
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ofi_pmem_log
{

/* A log lies here, in a part of a persistent region of the peer. */
struct Place {
	uint64_t addr = 0; /* as fi_write() takes it; a multiple of 64 */
	uint64_t len = 0;  /* bytes, at least kMinPlace */
	uint64_t key = 0;
	fi_addr_t peer = FI_ADDR_UNSPEC; /* ignored by a MSG endpoint */
	int timeout_ms = 10000; /* calls that wait then fail: -FI_ETIMEDOUT */
};

constexpr uint64_t kMinPlace = 8192;

/*
 * The path to the log: a connected, or else enabled, endpoint with FI_RMA, and
 * the queue of its transmits. The queue has a format with the context and is
 * used only by the log: how other operations complete there is undefined. With
 * FI_SELECTIVE_COMPLETION it has fewer entries. All outlive the log's object.
 */
struct Path {
	const fi_info *info = nullptr;
	fid_domain *domain = nullptr;
	fid_ep *ep = nullptr;
	fid_cq *cq = nullptr;
};

/* Describes the state of a log in the peer's memory. */
struct Status {
	uint64_t id = 0;       /* random, chosen when it was created */
	uint64_t capacity = 0; /* bytes of records, headers and padding */
	uint64_t head = 0;
	uint64_t pointer = 0; /* records before it are durable */
	uint64_t writers = 0; /* how many times it was opened for writing */
};

/* Returns the capacity that an appended record of `len` bytes uses. */
uint64_t space_of(uint64_t len);

/*
 * Makes an empty log, whatever there was; it is durable on return. After an
 * interrupted call there may be neither the old nor the new log.
 *
 * -FI_EINVAL       the place is too small or not aligned
 * -FI_ETIMEDOUT    the peer did not answer
 * others           as for fi_writemsg() with FI_COMMIT_COMPLETE; fi_pmem(7)
 */
int create(const Path &path, const Place &place, std::string *text);

/* When a record counts as durable, and how the pointer follows it. */
enum class Order {
	/*
	 * A record counts with the pointer, which the target writes after the
	 * record; the initiator waits for neither.
	 */
	target,
	/*
	 * A record counts with the pointer, which leaves when the record's
	 * commit has been answered: a second round trip.
	 */
	initiator,
	/*
	 * A record counts with its own commit. The pointer follows later, and
	 * the next Writer finds the records behind it by their checksums.
	 */
	lazy,
};

struct Options {
	Order order = Order::target;
	/* This is in bytes, and less than the provider's max_msg_size. */
	size_t max_record = 64 << 10;
	/* The maximum of unacknowledged appends, 1 to 65536. */
	size_t depth = 64;
	/*
	 * The maximum of pointers on their way, 1 to 65536. The records that
	 * come meanwhile share the next one: with 1 a busy log commits groups.
	 */
	size_t pointers = 1;
	/* With Order::lazy the pointer follows after this many records. */
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
	 * -FI_EINVAL       the options are invalid, or the log exceeds the
	 * place -FI_ENOMEM       depth times max_record is too much -FI_ENODATA
	 * there is no log -FI_EOPNOTSUPP   it is of another version -FI_EIO it
	 * is damaged others           as for create()
	 */
	int open();

	/*
	 * Appends one record, a copy of the 0 or more bytes of `iov` in their
	 * order. It is durable once acknowledged() has reached `*end`. Does not
	 * wait.
	 *
	 * -FI_EAGAIN       `depth` appends are not acknowledged: poll()
	 * -FI_ENOSPC       the log is full: retire() records
	 * -FI_EMSGSIZE     the record is longer than max_record, or than the
	 * log others           the log has failed
	 */
	int append(const iovec *iov, size_t count, uint64_t *end);
	int append(const void *record, size_t len, uint64_t *end);

	/* Completes and posts what is possible now. Returns 0 or the log's
	 * failure. */
	int poll();

	/*
	 * Waits until all that was appended is durable, and with Order::lazy
	 * the pointer as well.
	 */
	int sync();

	/*
	 * Gives up the records before `position`, which is the beginning of a
	 * record or end(), as reported by append(). Their space is free once
	 * poll() has seen this become durable; until then nothing overwrites
	 * them. Does not wait.
	 *
	 * -FI_EAGAIN       another call is under way, or records before
	 *                  `position` are not durable yet: poll()
	 * -FI_EINVAL       `position` is not between head() and end()
	 */
	int retire(uint64_t position);

	/*
	 * Gives up as many of the oldest records as needed to free `bytes` of
	 * the capacity. Waits.
	 *
	 * -FI_EMSGSIZE     `bytes` is more than the capacity
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
 * With a Gate the program at the target lets one Writer at a time reach a log.
 * Each Writer that is admitted gets a key of its own, and the next admission
 * ends the key before it.
 *
 * The guarantee is that of closing a memory region of ofi_pmem: after
 * fi_close() has returned, nothing that was posted with the key can reach the
 * memory any more, one-sided or not, however late it arrives, and what was not
 * executed until then fails. A provider without ofi_pmem may still be in the
 * middle of a transfer: close the former writer's endpoint as well, before the
 * next writer learns the key.
 *
 * Readers need no Gate: they use the key of another registration of the memory,
 * preferably one without FI_REMOTE_WRITE.
 */
class Gate
{
public:
	/*
	 * Takes the place of one log, in memory that can be a persistent
	 * region, and the domain in which to register it, with the info of that
	 * domain. All must outlive the gate.
	 */
	Gate(const fi_info *info, fid_domain *domain, void *memory, size_t len);
	~Gate(); /* shuts it */
	Gate(const Gate &) = delete;
	Gate &operator=(const Gate &) = delete;

	/*
	 * Shuts the gate, then opens it for a next Writer, to whom the program
	 * sends addr, len and key of `*place`. Returns 0, or what fi_close() or
	 * fi_mr_reg() returned: then nobody has been admitted, and if it was
	 * fi_close(), the former Writer still has access.
	 */
	int admit(Place *place);

	/* Ends the former Writer's access; returns what fi_close() does. */
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
	 * False if the record is behind the pointer. It may have been
	 * acknowledged with Order::lazy, or not have been and may yet vanish.
	 */
	bool durable = false;
};

/* Reads from the oldest record on, while others may write. */
class Reader
{
public:
	Reader(const Path &path, const Place &place);
	~Reader();

	/* Goes to the oldest record. Fails as Writer::open() does. */
	int open();

	/*
	 * 1                the next record
	 * 0                there is none: refresh() looks for more
	 * -FI_EOVERRUN     it was retired before it was read; the next call
	 *                  goes on at the oldest
	 * -FI_EIO          a record before the pointer is damaged
	 * others           as for create()
	 */
	int next(Record *record);

	/* Asks the peer where the log ends now. */
	int refresh();

	const Status &status() const; /* as open() or refresh() found it */
	const std::string &text() const;

private:
	class Impl;
	std::unique_ptr<Impl> impl_;
};

} // namespace ofi_pmem_log
