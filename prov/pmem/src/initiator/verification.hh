/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Verifications of one connection: the target digests what is durable, and only
 * digests travel. An operation with many blocks becomes several requests, each
 * with as many blocks as fit. For checked operations (FI_PMEM_VERIFY) the
 * target compares, with digests of what was written.
 */
#pragma once

#include "initiator/expected_blocks.hh"
#include "initiator/op.hh"
#include "initiator/region_cache.hh"
#include "initiator/request_window.hh"
#include "protocol/wire.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class Verification
{
public:
	Verification(Connection *connection, RequestWindow *window,
		     const RegionCache *regions) noexcept
		: connection_(connection), window_(window), regions_(regions)
	{
	}

	/* Some checked writes have not been read back. */
	bool expects() const noexcept { return !expected_.empty(); }

	/*
	 * Digests the data of a checked write before the write is started.
	 * Returns 0 or a negative fi_errno, and may throw std::bad_alloc.
	 */
	[[nodiscard]] int digest(PersistentOp *op);

	/*
	 * Notes, when the operation starts, which blocks a checked write leaves
	 * to be compared and which blocks any write changes. A flush or drain
	 * that compares gets the blocks that it covers.
	 */
	void start(PersistentOp *op);

	/* Post what is left of a verification, or of a comparison up to the
	 * block `end`. */
	[[nodiscard]] Posted post_verify(PersistentOp *op);
	[[nodiscard]] Posted post_comparison(PersistentOp *op, size_t end);

	/*
	 * Takes what a Verified says. Returns false, and takes nothing, if it
	 * does not answer an unanswered request of its size.
	 */
	[[nodiscard]] bool take(const wire::Verified &answer,
				const uint8_t *body, size_t len);

private:
	[[nodiscard]] int digest_range(PersistentOp *op, size_t index,
				       size_t offset);
	void take_earlier(PersistentOp *op);
	void send_comparison(PersistentOp *op, size_t count);
	[[nodiscard]] bool take_bad_blocks(const Request &asked,
					   const uint8_t *bytes, size_t count);
	fi_pmem_bad_block describe(const ExpectedBlock &block,
				   const wire::BadBlock &bad) const;

	Connection *connection_;
	RequestWindow *window_;
	const RegionCache *regions_;
	/*
	 * These blocks were written with FI_PMEM_VERIFY and not read back yet.
	 */
	ExpectedBlocks expected_;
};

} // namespace ofi_pmem
