/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The chains of one-sided operations that one connection has in flight. The NIC
 * executes them in the order of posting, as far as InfiniBand promises
 * (doc/durability.md, Order): posted operations (WRITE, messages) may be placed
 * before a FLUSH in front of them is done; FLUSH, READ and ATOMIC WRITE are
 * executed in order.
 */
#pragma once

#include "initiator/connection.hh"
#include "initiator/op.hh"
#include "initiator/stall_watch.hh"
#include "transport/link.hh"

#include <array>
#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class NicQueue
{
public:
	/* Describes a chain of one-sided operations in flight. */
	struct Chain {
		bool posted = false;
		PersistentOp *op = nullptr; /* null for a drain of our own */
		int borrowed = -1;	    /* a message buffer it uses */
		bool nic = false;	    /* counted in nic_ */
		uint64_t number = 0;	    /* of the StallWatch */
	};

	NicQueue(Connection *connection, StallWatch *stall) noexcept
		: connection_(connection), stall_(stall)
	{
	}

	/* The connection is open: takes what READs need. */
	void open();

	/*
	 * Posts a chain for the operation, or for none. The chain uses the
	 * message buffer `borrowed` unless that is -1. Returns 0 or the error
	 * of Link::post_chain(), or -FI_EAGAIN if too many chains are in
	 * flight.
	 */
	[[nodiscard]] int post(PersistentOp *op, const OneSided *chain,
			       size_t count, int borrowed = -1);

	/* Takes the result of post(): an error fails the operation, if there is
	 * one, and ends the connection. */
	[[nodiscard]] Posted posted(PersistentOp *op, int ret);

	/* Makes a READ to go behind writes; where it reads does not matter. */
	OneSided read_behind(const RemoteRegion &region) const noexcept;

	/* Takes a completed chain out. Returns false if there is none. */
	[[nodiscard]] bool complete(uint16_t slot, Chain *done);
	/* Takes a chain of a lost connection out; returns false if there is
	 * none. */
	[[nodiscard]] bool take_lost(Chain *lost) noexcept;

	bool empty() const noexcept { return !in_flight_; }
	/* There are chains that a fence must wait for, because the NIC makes
	 * what they write durable. */
	bool settles() const noexcept { return nic_ != 0; }

	/*
	 * Writing these ranges in a request would spoil a FLUSH under way,
	 * because a request passes the FLUSH before it. The bytes that the CPU
	 * then stores go into its cache, together with those that the NIC had
	 * written to the same line. The FLUSH reaches neither, but reports the
	 * latter as durable.
	 */
	bool is_spoiled_by(const PersistentOp &op) const noexcept;

	/*
	 * The operation must wait for a one-sided read, which is answered from
	 * the region's memory while requests behind it are already executed.
	 */
	bool delays(const PersistentOp &op) const noexcept;

	/* Returns the StallWatch's number of the oldest chain, or kNone. */
	uint64_t oldest() const noexcept;

private:
	/* Takes a chain that was posted out of its slot. */
	Chain take(Chain *chain) noexcept;

	Connection *connection_;
	StallWatch *stall_;
	std::array<Chain, Connection::kMaxChains> chains_{};
	size_t in_flight_ = 0;
	size_t nic_ = 0;
	/* READs that only go behind writes put their data here. */
	iovec scratch_iov_{};
	void *scratch_desc_ = nullptr;
};

} // namespace ofi_pmem
