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

/* When the completion of a write may be reported (fi_pmem(7), COMPLETIONS). */
enum class Level : uint8_t { transmit, delivery, commit };

/* What a flush covers; none: the operation is no flush. */
enum class FlushScope : uint8_t {
	none,
	ranges,	    /* these bytes */
	regions,    /* what the channel wrote to these regions */
	everything, /* what the endpoint wrote to the peer */
};

/* How an operation travels, see channel.hh. */
enum class Route : uint8_t {
	request,
	one_sided,
	ordered, /* 8 bytes behind a fence, by ATOMIC WRITE */
};

/* What an atomic operation has beside its operands. All lengths in bytes. */
struct AtomicOp {
	uint8_t datatype;
	uint8_t op;
	bool fetch;
	const iovec *compare;
	size_t compare_count;
	const iovec *result;
	size_t result_count;
};

/* What a verification has beside its ranges. */
struct VerifyOp {
	DigestAlgorithm digest;
	size_t block;	  /* bytes; 0: a range is one block */
	uint8_t *digests; /* of all blocks, range by range */
};

/* What the application asked for; lives during the call only. */
struct OpRequest {
	const fi_msg_rma *msg; /* of an atomic: its operands, in bytes */
	bool write;	       /* changes the target */
	Level level;
	bool fence;
	bool inject;	   /* the buffer is the caller's again on return */
	bool notify;	   /* FI_REMOTE_CQ_DATA */
	bool report;	   /* a CQ entry on success */
	bool local_commit; /* flush the local buffer of a read */
	const AtomicOp *atomic = nullptr;
	/* Of one range, which must be failure-atomic if of up to 8 bytes. */
	bool ordered = false;
	bool more = false; /* FI_MORE: its requests may wait for the next's */
	/* Nothing is transferred; of regions only the keys count. */
	FlushScope flush = FlushScope::none;
	/* Nothing is transferred but digests. */
	const VerifyOp *verify = nullptr;
	/* FI_PMEM_VERIFY, of a write or a flush that commits. */
	bool checked = false;

	/* wire::Access of every range. */
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

/* What the application is told. */
struct OpResult {
	void *context;
	uint64_t flags; /* of its completion: FI_RMA, FI_WRITE, ... */
	bool report;
	bool counted; /* by the inner counter, success or failure */
	size_t len;
	Failure failure;
	/* Those of the operation, until completed() returns. */
	const std::vector<fi_pmem_bad_block> *bad_blocks;
};

/* The endpoint, as its operations see it. Called under the initiator's lock. */
class OpOwner
{
public:
	/* The address of the peer's host. Negative fi_errno when it has none.
	 */
	[[nodiscard]] virtual int peer_address(fi_addr_t peer,
					       IpAddress *address) noexcept = 0;

	/* Room for one completion; -FI_EAGAIN when the queue is full. */
	[[nodiscard]] virtual int reserve_completion() noexcept = 0;
	virtual void unreserve_completion() noexcept = 0;

	/* Reports a completion for which room was reserved. */
	virtual void completed(const OpResult &result) noexcept = 0;

	/* What a refused transmit waits for may have come. */
	virtual void gate_may_open() noexcept = 0;

	/*
	 * The operation is durable as asked and wants its remote CQ data sent;
	 * the owner calls PersistentOp::notification() on a thread that may
	 * use the application's endpoint.
	 */
	virtual void notification_ready() noexcept = 0;

	/* Makes a local buffer durable; negative fi_errno. */
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

	/* Takes over what the application asked for. */
	void assign(const OpRequest &request, uint64_t op_id) noexcept;

	/* The local buffers from `offset` on, `len` bytes; returns the count.
	 */
	size_t slice(size_t offset, size_t len, iovec *iov) const noexcept;

	/* An inject that waits: its data is the operation's own from here on.
	 */
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

	/* So is what earlier operations wrote. */
	bool checks_earlier() const noexcept
	{
		return checked && (is_drain() || flush != FlushScope::none);
	}

	/* A flush, but not of everything. */
	bool selects() const noexcept
	{
		return flush == FlushScope::ranges ||
		       flush == FlushScope::regions;
	}

	/* Of the block where so many bytes of a range are left. */
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

	/* What was asked. */
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
	size_t len = 0; /* of the ranges; of a flush 0 */
	Buffers local;	/* of an atomic: the operands, if it has any */
	const void *desc[kMaxIov] = {}; /* as the application passed them */
	/* Token, offset in the region, length: filled by the channel. */
	wire::Range ranges[kMaxRmaIov] = {};
	size_t range_count = 0;
	uint64_t notify_addr = 0;
	uint64_t notify_key = 0;
	/* When the inner provider refused it first, or 0. */
	std::chrono::steady_clock::time_point refused_at{};
	/* What only atomics have. */
	bool atomic = false;
	bool fetch = false;
	uint8_t datatype = 0;
	uint8_t atomic_op = 0;
	Buffers compare;
	Buffers result;
	/* What only verifications have. */
	bool verifies = false;
	VerifyOp verify{};
	size_t blocks_posted = 0;
	std::vector<fi_pmem_bad_block> bad_blocks;
	/* What only checked operations have: earlier blocks, then its own. */
	bool checked = false;
	std::vector<ExpectedBlock> expected;
	size_t earlier_blocks = 0;
	uint64_t earlier_bytes = 0;
	std::vector<uint8_t> copy;

	/* How far it has been posted. */
	bool started = false;
	Route route = Route::request;
	bool preamble_posted = false;
	bool body_posted = false;
	bool announced = false;
	bool fully_posted = false;
	size_t range_index = 0;
	size_t range_offset = 0; /* within ranges[range_index] */
	size_t iov_offset = 0;	 /* within the local buffers */
	size_t chain_index = 0;	 /* one-sided operations that are posted */
	std::vector<std::shared_ptr<LinkMemory>> local_memory;

	/* What is awaited. */
	uint32_t unanswered = 0; /* requests */
	uint32_t unfinished = 0; /* one-sided inner operations, or parts */
	/* The drain of all peers that this, of one channel, is a part of. */
	PersistentOp *whole = nullptr;
	Failure failure;

private:
	void assign_atomic(const AtomicOp *asked) noexcept;

	std::atomic<ChannelTable *> table_;
};

/* A 0-byte write with remote CQ data, for the application's own endpoint. */
struct Notification {
	fi_addr_t peer;
	uint64_t addr;
	uint64_t key;
	uint64_t data;
	PersistentOp *op;
};

} // namespace ofi_pmem
