/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The chain of one-sided operations that one read or write becomes: the
 * transfers, followed in the same send queue by what each region's method
 * needs; and the local buffers of the transfers, as the transport wants them.
 */
#pragma once

#include "initiator/connection.hh"
#include "initiator/nic_queue.hh"
#include "initiator/op.hh"
#include "transport/link.hh"

#include <array>
#include <cstddef>

namespace ofi_pmem
{

class Plan
{
public:
	/* The regions of the operation must be known. */
	Plan(const PersistentOp &op, const TransportTraits &traits,
	     const NicQueue &nic) noexcept;

	/*
	 * Finds out how the transport may access the local buffers. Returns 0
	 * or a negative fi_errno.
	 */
	[[nodiscard]] int describe_locally(PersistentOp *op,
					   Connection *connection);

	/* All that the operation needs is in the chain. */
	bool whole() const noexcept { return whole_; }
	const OneSided *chain() const noexcept { return chain_.data(); }
	size_t count() const noexcept { return count_; }
	/* The message buffer that holds the data, or -1. */
	int borrowed() const noexcept { return borrowed_; }

private:
	void add(const OneSided &operation) noexcept
	{
		chain_[count_++] = operation;
	}
	void add_transfers(const PersistentOp &op,
			   const TransportTraits &traits) noexcept;
	void add_parts(const Buffers &local, size_t offset,
		       const OneSided &range, size_t max_buffers) noexcept;
	void add_settling(const PersistentOp &op, const NicQueue &nic) noexcept;
	void copy_locally(const PersistentOp &op, Link *link);
	[[nodiscard]] int register_locally(PersistentOp *op,
					   const Transport &transport);

	static constexpr size_t kMaxPieces = kMaxIov + kMaxRmaIov;

	/* There is room for a transfer of each piece, two flushes of each
	 * range, which is shorter than 4 GiB, and one READ. */
	std::array<OneSided, kMaxPieces + 2 * kMaxRmaIov + 1> chain_;
	size_t count_ = 0;
	size_t transfers_ = 0;
	/* A buffer that two ranges share is in two pieces. */
	std::array<iovec, kMaxPieces> iov_;
	std::array<void *, kMaxPieces> desc_{};
	std::array<size_t, kMaxPieces> buffer_; /* of the operation */
	size_t pieces_ = 0;
	int borrowed_ = -1;
	bool whole_ = true;
};

} // namespace ofi_pmem
