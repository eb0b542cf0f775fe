/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One RMA or atomic operation on persistent regions, from the application's
 * call until its completion is reported, and the interface to the endpoint it
 * belongs to.
 */
#pragma once

#include "core/address.hh"
#include "core/errors.hh"
#include "core/fid.hh"
#include "core/intrusive_list.hh"
#include "core/progress.hh"
#include "digest/digest.hh"
#include "initiator/buffers.hh"
#include "initiator/expected_blocks.hh"
#include "protocol/wire.hh"
#include "transport/transport.hh"

#include <rdma/fi_ext_pmem.h>
#include <rdma/fi_rma.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

namespace ofi_pmem
{

class PersistentOp;
struct RemoteRegion;

/* When the completion of a write may be reported (fi_pmem(7), PERSISTENCE
 * MODEL). */
enum class Level : uint8_t { transmit, delivery, commit };

enum class OpKind : uint8_t { read, write, atomic, flush, verify };

const char *to_string(OpKind kind) noexcept;

/* Says what a flush covers. */
enum class FlushScope : uint8_t {
	ranges,	    /* these bytes */
	regions,    /* what the channel wrote to these regions */
	everything, /* what the endpoint wrote to the peer */
};

/* Says which way an operation travels, see channel.hh. */
enum class Route : uint8_t {
	request,
	one_sided,
	ordered, /* 8 bytes behind a fence, by ATOMIC WRITE */
};

/* Says what has become of an attempt to post. */
enum class Posted : bool {
	no, /* credits or buffers are short; try again later */
	yes /* all of it was posted, or its operation has failed */
};

/* Describes an atomic operation apart from its operands. All lengths are in
 * bytes. */
struct AtomicOp {
	uint8_t datatype;
	uint8_t op;
	bool fetch;
	const iovec *compare;
	size_t compare_count;
	const iovec *result;
	size_t result_count;
};

/* Describes a verification apart from its ranges. */
struct VerifyOp {
	DigestAlgorithm digest;
	size_t block;	  /* bytes; 0 makes each range one block */
	uint8_t *digests; /* of all blocks, range by range */
};

/* The properties of an operation that do not depend on its kind. */
struct OpOptions {
	bool fence = false;
	bool inject = false;  /* the buffer is the caller's again on return */
	bool notify = false;  /* FI_REMOTE_CQ_DATA */
	bool report = false;  /* a CQ entry on success */
	bool more = false;    /* FI_MORE: requests may wait for the next's */
	bool checked = false; /* FI_PMEM_VERIFY; of a write, or of a flush that
				 commits */
};

/*
 * The application's request; lives only during the call. It is made by the
 * function that is named after its kind, and refined by those that follow:
 *
 *   OpRequest::write(msg).at(Level::commit).fence()
 */
class OpRequest
{
public:
	/* `msg` and what it points to must outlive the request. */
	static OpRequest read(const fi_msg_rma &msg) noexcept
	{
		return {OpKind::read, msg};
	}
	static OpRequest write(const fi_msg_rma &msg) noexcept
	{
		return {OpKind::write, msg};
	}
	/* The local buffers of `msg` are the operands, in bytes. */
	static OpRequest atomic(const fi_msg_rma &msg,
				const AtomicOp &op) noexcept;
	/* Nothing is transferred; for regions only the keys count. */
	static OpRequest flush(const fi_msg_rma &msg,
			       FlushScope scope) noexcept;
	/* Only digests are transferred. */
	static OpRequest verify(const fi_msg_rma &msg,
				const VerifyOp &op) noexcept;

	OpRequest &at(Level level) noexcept
	{
		level_ = level;
		return *this;
	}
	OpRequest &fence(bool value = true) noexcept
	{
		options_.fence = value;
		return *this;
	}
	OpRequest &inject(bool value = true) noexcept
	{
		options_.inject = value;
		return *this;
	}
	OpRequest &notify(bool value = true) noexcept
	{
		options_.notify = value;
		return *this;
	}
	OpRequest &report(bool value = true) noexcept
	{
		options_.report = value;
		return *this;
	}
	OpRequest &more(bool value = true) noexcept
	{
		options_.more = value;
		return *this;
	}
	OpRequest &checked(bool value = true) noexcept
	{
		options_.checked = value;
		return *this;
	}
	/* The local buffer of a read is made durable. */
	OpRequest &local_commit(bool value = true) noexcept
	{
		local_commit_ = value;
		return *this;
	}
	/* The write has one range, and must be failure-atomic if it has up to 8
	 * bytes. */
	OpRequest &ordered(bool value = true) noexcept
	{
		ordered_ = value;
		return *this;
	}

	OpKind kind() const noexcept { return kind_; }
	const fi_msg_rma &msg() const noexcept { return *msg_; }
	Level level() const noexcept { return level_; }
	const OpOptions &options() const noexcept { return options_; }
	bool local_commit() const noexcept { return local_commit_; }
	bool ordered() const noexcept { return ordered_; }
	const AtomicOp &atomic_op() const noexcept { return *atomic_; }
	const VerifyOp &verify_op() const noexcept { return *verify_; }
	FlushScope scope() const noexcept { return scope_; }

	bool is(OpKind kind) const noexcept { return kind_ == kind; }
	/* It changes what the target has, or how durable that is. */
	bool writes() const noexcept { return writes_; }

	/* It names regions, not ranges of them. */
	bool whole_regions() const noexcept
	{
		return is(OpKind::flush) && scope_ != FlushScope::ranges;
	}

	/*
	 * It is a drain of the channel: what follows waits for all before it.
	 */
	bool is_drain() const noexcept
	{
		return options_.fence && level_ == Level::commit;
	}

	/* Returns the wire::Access that every range needs. */
	uint8_t needed_access() const noexcept;

private:
	OpRequest(OpKind kind, const fi_msg_rma &msg) noexcept
		: kind_(kind),
		  writes_(kind == OpKind::write || kind == OpKind::flush),
		  msg_(&msg)
	{
	}

	OpKind kind_;
	Level level_ = Level::transmit;
	FlushScope scope_ = FlushScope::ranges;
	bool writes_;
	bool local_commit_ = false;
	bool ordered_ = false;
	OpOptions options_;
	const fi_msg_rma *msg_;
	const AtomicOp *atomic_ = nullptr;
	const VerifyOp *verify_ = nullptr;
};

/* The result that is reported to the application. */
struct OpResult {
	void *context;
	uint64_t flags; /* of its completion: FI_RMA, FI_WRITE, ... */
	bool report;
	bool counted; /* by the inner counter, success or failure */
	size_t len;
	Failure failure;
	/*
	 * They belong to the operation and are valid until completed() returns.
	 */
	const std::vector<fi_pmem_bad_block> *bad_blocks;
};

/* The endpoint, as its operations see it. Every function is called under the
 * initiator's lock. */
class OpOwner
{
public:
	/* Gets the address of the peer's host; returns a negative fi_errno if
	 * it has none. */
	[[nodiscard]] virtual int peer_address(fi_addr_t peer,
					       IpAddress *address) noexcept = 0;

	/* Reserves room for one completion; returns -FI_EAGAIN if the queue is
	 * full. */
	[[nodiscard]] virtual int reserve_completion() noexcept = 0;
	virtual void unreserve_completion() noexcept = 0;

	/* Reports a completion for which room was reserved. */
	virtual void completed(const OpResult &result) noexcept = 0;

	/* A refused transmit may be possible now. */
	virtual void gate_may_open() noexcept = 0;

	/*
	 * The operation is as durable as requested and needs its remote CQ data
	 * sent, by a thread that may use the application's endpoint.
	 */
	virtual void notification_ready() noexcept = 0;

	/* Makes a local buffer durable; returns 0 or a negative fi_errno. */
	[[nodiscard]] virtual int commit_local(const iovec *iov,
					       size_t count) noexcept = 0;

protected:
	~OpOwner() = default;
};

/* Learns that the remote CQ data of an operation was sent. */
class NotificationSink
{
public:
	virtual void notified(PersistentOp *op, int err, bool counted) = 0;

protected:
	~NotificationSink() = default;
};

/* Each kind of operation has a payload of its own. */
struct ReadPayload {
	bool local_commit;
};

struct WritePayload {
	uint64_t cq_data;
	/* The remote CQ data is sent to this region of the application's. */
	uint64_t notify_addr = 0;
	uint64_t notify_key = 0;
	/* The inner provider first refused the notification then; 0 if it never
	 * did. */
	std::chrono::steady_clock::time_point refused_at{};
};

struct AtomicPayload {
	explicit AtomicPayload(const AtomicOp &asked) noexcept;

	uint8_t datatype;
	uint8_t op;
	bool fetch;
	Buffers compare;
	Buffers result;
};

struct FlushPayload {
	FlushScope scope;
};

struct VerifyPayload {
	VerifyOp asked;

	/* Returns the length of the next block if `left` bytes of a range are
	 * left. */
	uint64_t block_length(uint64_t left) const noexcept
	{
		return asked.block ? std::min<uint64_t>(asked.block, left)
				   : left;
	}
};

/*
 * It has many members, and they are public: it is the record that the parts of
 * a channel pass on to each other, each of which has its own of them.
 */
class PersistentOp final : public InternalOp
{
public:
	explicit PersistentOp(NotificationSink *sink) noexcept : sink_(sink) {}

	void inner_completed(int err, int prov_errno) noexcept override;

	/*
	 * Its owner is about to go; from now on inner_completed() does nothing.
	 */
	void detach() noexcept { sink_ = nullptr; }

	/* Takes over the application's request. */
	void assign(const OpRequest &request, uint64_t op_id) noexcept;

	/* The operation no longer needs its regions and local memory. */
	void release() noexcept;

	/* Range `index` lies in this region, which is held until release(). */
	void hold(size_t index, RemoteRegion *region) noexcept;

	/* False if a region was closed since its key was resolved. */
	bool regions_known() const noexcept;

	/* The NIC makes at least one of its ranges durable. */
	bool nic_settles() const noexcept;

	/* Copies the data of an inject that must wait; the copy is the
	 * operation's own. */
	void keep_copy();

	OpKind kind() const noexcept
	{
		return static_cast<OpKind>(payload_.index());
	}
	bool is(OpKind kind) const noexcept { return this->kind() == kind; }
	WritePayload &write() noexcept
	{
		return std::get<WritePayload>(payload_);
	}
	const WritePayload &write() const noexcept
	{
		return std::get<WritePayload>(payload_);
	}
	const AtomicPayload &atomic() const noexcept
	{
		return std::get<AtomicPayload>(payload_);
	}
	const VerifyPayload &verify() const noexcept
	{
		return std::get<VerifyPayload>(payload_);
	}
	bool is_flush_of(FlushScope scope) const noexcept
	{
		const auto *flush = std::get_if<FlushPayload>(&payload_);
		return flush && flush->scope == scope;
	}
	bool commits_locally() const noexcept
	{
		const auto *read = std::get_if<ReadPayload>(&payload_);
		return read && read->local_commit;
	}

	bool is_drain() const noexcept
	{
		return options.fence && level == Level::commit;
	}

	/* Its own data is read back, so the service must have flushed it. */
	bool checks_itself() const noexcept
	{
		return options.checked && level == Level::commit &&
		       !is(OpKind::flush);
	}

	/* The data of earlier operations is read back, too. */
	bool checks_earlier() const noexcept
	{
		return options.checked && (is_drain() || is(OpKind::flush));
	}

	/* It is a flush, but not of everything. */
	bool selects() const noexcept
	{
		return is(OpKind::flush) &&
		       !is_flush_of(FlushScope::everything);
	}

	void fail(const Failure &cause) noexcept
	{
		if (!failure)
			failure = cause;
	}

	bool finished() const noexcept
	{
		return posting.complete && !unanswered && !unfinished;
	}

	struct QueueNode {
		static ListNode<PersistentOp> &of(PersistentOp &op) noexcept
		{
			return op.in_queue;
		}
	};

	/* Identifies the peer that the operation is for. */
	struct Peer {
		fi_addr_t named = FI_ADDR_UNSPEC; /* as the call names it */
		fi_addr_t channel = 0; /* as the channel table names it */
		uint16_t port = 0;     /* of that peer's service */
		uint64_t key_id = 0;   /* of its channel; 0: not sealed */
		bool fences = false;   /* it counts in Channel::fences */
	};

	/* Says how much of the operation has been posted. */
	struct Posting {
		bool started = false;
		bool announced = false;
		bool preamble = false;
		bool body = false;
		bool complete = false;
		Route route = Route::request;
		size_t range = 0;	 /* the next range */
		size_t range_offset = 0; /* the next offset within it */
		size_t iov_offset = 0;	 /* the next in the local buffers */
		size_t chain = 0;	 /* posted one-sided operations */
		size_t blocks = 0;	 /* posted for a verification */
	};

	/* A checked operation compares these blocks: those of earlier
	 * operations, then its own. */
	struct Checks {
		std::vector<ExpectedBlock> expected;
		size_t earlier_blocks = 0;
		uint64_t earlier_bytes = 0;
	};

	uint64_t id = 0;
	void *context = nullptr;
	uint64_t completion_flags = 0;
	Level level = Level::transmit;
	bool writes = false; /* see OpRequest::writes() */
	OpOptions options;
	Peer peer;
	size_t len = 0; /* of the ranges; 0 for a flush */
	Buffers local;	/* for an atomic: the operands, if it has any */
	const void *desc[kMaxIov] = {}; /* as the application passed them */
	/* Each has a token, an offset in the region, and a length. */
	wire::Range ranges[kMaxRmaIov] = {};
	RemoteRegion *regions[kMaxRmaIov] = {};
	size_t range_count = 0;
	std::vector<uint8_t> copy;
	Checks checks;
	std::vector<fi_pmem_bad_block> bad_blocks;
	Posting posting;
	std::vector<std::shared_ptr<LinkMemory>> local_memory;

	/* It waits for these parts. */
	uint32_t unanswered = 0; /* requests */
	uint32_t unfinished = 0; /* one-sided inner operations, or parts */
	/* This drain of a channel is a part of that drain of all peers. */
	PersistentOp *whole = nullptr;
	Failure failure;
	ListNode<PersistentOp> in_queue; /* of its channel */

private:
	/* The alternatives are in the order of OpKind. */
	std::variant<ReadPayload, WritePayload, AtomicPayload, FlushPayload,
		     VerifyPayload>
		payload_;
	std::atomic<NotificationSink *> sink_;
};

/* Describes a 0-byte write with remote CQ data on the application's own
 * endpoint. */
struct Notification {
	fi_addr_t peer;
	uint64_t addr;
	uint64_t key;
	uint64_t data;
	PersistentOp *op;
};

} // namespace ofi_pmem
