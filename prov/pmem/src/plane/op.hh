/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One RMA or atomic operation on persistent regions, from the application's
 * call until its completion is reported, and the interface to the endpoint it
 * belongs to.
 */
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <rdma/fi_ext_pmem.h>
#include <rdma/fi_rma.h>

#include "core/address.hh"
#include "core/errors.hh"
#include "core/fid.hh"
#include "core/progress.hh"
#include "digest/digest.hh"
#include "plane/buffers.hh"
#include "plane/expected_blocks.hh"
#include "plane/wire.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

class ChannelTable;

/* When the completion of a write may be reported (fi_pmem(7), PERSISTENCE
 * MODEL). */
enum class Level : uint8_t { transmit, delivery, commit };

/* The scope of a flush; none means that the operation is no flush. */
enum class FlushScope : uint8_t {
	none,
	ranges,	    /* these bytes */
	regions,    /* what the channel wrote to these regions */
	everything, /* what the endpoint wrote to the peer */
};

/* The way an operation travels, see channel.hh. */
enum class Route : uint8_t {
	request,
	one_sided,
	ordered, /* 8 bytes behind a fence, by ATOMIC WRITE */
};

/* An atomic operation apart from its operands. All lengths are in bytes. */
struct AtomicOp {
	uint8_t datatype;
	uint8_t op;
	bool fetch;
	const iovec *compare;
	size_t compare_count;
	const iovec *result;
	size_t result_count;
};

/* A verification apart from its ranges. */
struct VerifyOp {
	DigestAlgorithm digest;
	size_t block;	  /* bytes; 0 makes each range one block */
	uint8_t *digests; /* of all blocks, range by range */
};

/* The application's request; lives only during the call. */
struct OpRequest {
	const fi_msg_rma *msg; /* for an atomic: its operands, in bytes */
	bool write;	       /* changes the target */
	Level level;
	bool fence;
	bool inject;	   /* the buffer is the caller's again on return */
	bool notify;	   /* FI_REMOTE_CQ_DATA */
	bool report;	   /* a CQ entry on success */
	bool local_commit; /* flush the local buffer of a read */
	const AtomicOp *atomic = nullptr;
	/* It has one range, which must be failure-atomic if it has up to 8
	 * bytes. */
	bool ordered = false;
	bool more = false; /* FI_MORE: requests may wait for the next's */
	/* Nothing is transferred; with `regions` only the keys count. */
	FlushScope flush = FlushScope::none;
	/* Only digests are transferred. */
	const VerifyOp *verify = nullptr;
	/* A write, or a flush that commits, has FI_PMEM_VERIFY. */
	bool checked = false;

	/* The wire::Access that every range needs. */
	uint8_t needed_access() const noexcept
	{
		if (atomic)
			return wire::access_for_atomic(write, atomic->fetch);
		if (!write)
			return wire::kRemoteRead;
		return static_cast<uint8_t>(wire::kRemoteWrite |
					    (checked ? wire::kRemoteRead : 0));
	}
};

/* The result that is reported to the application. */
struct OpResult {
	void *context;
	uint64_t flags; /* of its completion: FI_RMA, FI_WRITE, ... */
	bool report;
	bool counted; /* by the inner counter, success or failure */
	size_t len;
	Failure failure;
	/* The operation's; valid until completed() returns. */
	const std::vector<fi_pmem_bad_block> *bad_blocks;
};

/* The endpoint, as its operations see it. Called under the initiator's lock. */
class OpOwner
{
public:
	/* The address of the peer's host; a negative fi_errno if it has none.
	 */
	[[nodiscard]] virtual int peer_address(fi_addr_t peer,
					       IpAddress *address) noexcept = 0;

	/* Reserves room for one completion; -FI_EAGAIN if the queue is full. */
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

class PersistentOp final : public InternalOp
{
public:
	explicit PersistentOp(ChannelTable *table) noexcept : table_(table) {}

	void inner_completed(int err, int prov_errno) noexcept override;

	/* Its table is about to go; inner_completed() then does nothing. */
	void detach() noexcept { table_ = nullptr; }

	/* Takes over the application's request. */
	void assign(const OpRequest &request, uint64_t op_id) noexcept;

	/* Fills in the local buffers of `len` bytes from `offset` on; returns
	 * their count. */
	size_t slice(size_t offset, size_t len, iovec *iov) const noexcept;

	/* Copies the data of an inject that must wait; the copy is the
	 * operation's own. */
	void keep_copy();

	bool is_drain() const noexcept
	{
		return fence && level == Level::commit;
	}

	/* Its own data is read back, so the service must have flushed it. */
	bool checks_itself() const noexcept
	{
		return checked && level == Level::commit &&
		       flush == FlushScope::none;
	}

	/* What earlier operations wrote is read back, too. */
	bool checks_earlier() const noexcept
	{
		return checked && (is_drain() || flush != FlushScope::none);
	}

	/* It is a flush, but not of everything. */
	bool selects() const noexcept
	{
		return flush == FlushScope::ranges ||
		       flush == FlushScope::regions;
	}

	/* The length of the next block if `left` bytes of a range are left. */
	uint64_t block_length(uint64_t left) const noexcept
	{
		return verify.block ? std::min<uint64_t>(verify.block, left)
				    : left;
	}

	void fail(const Failure &cause) noexcept
	{
		if (!failure)
			failure = cause;
	}

	bool finished() const noexcept
	{
		return fully_posted && !unanswered && !unfinished;
	}

	/* The request. */
	uint64_t id = 0;
	void *context = nullptr;
	uint64_t completion_flags = 0;
	bool write = false;
	Level level = Level::transmit;
	bool fence = false;
	bool inject = false;
	bool notify = false;
	bool report = false;
	bool local_commit = false;
	bool more = false;
	FlushScope flush = FlushScope::none;
	fi_addr_t peer = FI_ADDR_UNSPEC; /* as the call named it */
	fi_addr_t table_peer = 0;	 /* as the channel table does */
	uint16_t service_port = 0;	 /* of that peer's service */
	uint64_t data = 0;
	size_t len = 0; /* of the ranges; 0 for a flush */
	Buffers local;	/* for an atomic: the operands, if it has any */
	const void *desc[kMaxIov] = {}; /* as the application passed them */
	/* Token, offset in the region, length; the channel fills them in. */
	wire::Range ranges[kMaxRmaIov] = {};
	size_t range_count = 0;
	uint64_t notify_addr = 0;
	uint64_t notify_key = 0;
	/* When the inner provider first refused the notification, or 0. */
	std::chrono::steady_clock::time_point refused_at{};
	/* For atomics only. */
	bool atomic = false;
	bool fetch = false;
	uint8_t datatype = 0;
	uint8_t atomic_op = 0;
	Buffers compare;
	Buffers result;
	/* For verifications only. */
	bool verifies = false;
	VerifyOp verify{};
	size_t blocks_posted = 0;
	std::vector<fi_pmem_bad_block> bad_blocks;
	/* For checked operations only; earlier blocks precede its own. */
	bool checked = false;
	std::vector<ExpectedBlock> expected;
	size_t earlier_blocks = 0;
	uint64_t earlier_bytes = 0;
	std::vector<uint8_t> copy;

	/* The state of posting. */
	bool started = false;
	Route route = Route::request;
	bool preamble_posted = false;
	bool body_posted = false;
	bool announced = false;
	bool fully_posted = false;
	size_t range_index = 0;
	size_t range_offset = 0; /* within ranges[range_index] */
	size_t iov_offset = 0;	 /* within the local buffers */
	size_t chain_index = 0;	 /* one-sided operations already posted */
	std::vector<std::shared_ptr<LinkMemory>> local_memory;

	/* The parts it waits for. */
	uint32_t unanswered = 0; /* requests */
	uint32_t unfinished = 0; /* one-sided inner operations, or parts */
	/* The drain of all peers of which this drain of a channel is a part. */
	PersistentOp *whole = nullptr;
	Failure failure;

private:
	void assign_atomic(const AtomicOp *asked) noexcept;

	std::atomic<ChannelTable *> table_;
};

/* A 0-byte write with remote CQ data on the application's own endpoint. */
struct Notification {
	fi_addr_t peer;
	uint64_t addr;
	uint64_t key;
	uint64_t data;
	PersistentOp *op;
};

} // namespace ofi_pmem
