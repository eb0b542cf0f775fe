/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Records what the commits of one channel stand for, and looks it up in the
 * regions' flush ledgers before they are acknowledged (FI_OFI_PMEM_LEDGER). A
 * commit stands for the writes of its own operation, a fenced one for every
 * write of the channel since the last. Regions without a ledger are ignored.
 * persist/ledger_backend.hh says what this proves.
 *
 * Called under the region table's lock. Throws std::bad_alloc.
 */
#pragma once

#include <unordered_map>
#include <vector>

#include "core/errors.hh"
#include "persist/flush_ledger.hh"
#include "plane/wire.hh"
#include "target/atomic_request.hh"
#include "target/region_table.hh"

namespace ofi_pmem
{

class CommitAudit
{
public:
	/* A write and its time, as the ledger of its region counts. */
	struct Claim {
		uint64_t token;
		Extent extent;
		FlushLedger::Mark mark;
	};
	using Claims = std::vector<Claim>;

	explicit CommitAudit(RegionTable *table) noexcept : table_(table) {}

	/* Called before a request is executed, for the bytes it will write. */
	void before(const wire::Write &request, size_t len);
	void before(const AtomicRequest &request);
	/* These bytes were written one-sided; here the ledger learns of them.
	 */
	void before(const wire::Flush &request, const uint8_t *ranges,
		    size_t count);

	/*
	 * Called after a request was executed. Returns what its commit stands
	 * for, if it is one and did not fail.
	 */
	[[nodiscard]] Claims after(const wire::Header &header, bool failed);

	/*
	 * Called before a fenced commit that stores is executed. Checks that
	 * every earlier write of the channel is durable.
	 */
	[[nodiscard]] Failure verify_earlier(const wire::Header &header);

	/*
	 * Called after the drain and before the acknowledgement. Returns FI_EIO
	 * if a byte is not durable; its region is then poisoned.
	 */
	[[nodiscard]] Failure verify(const Claims &claims);

private:
	[[nodiscard]] Failure verify(const Claim &claim);
	FlushLedger *ledger_of(const wire::Range &range) noexcept;
	void claim(const wire::Range &range);
	void begin(const wire::Header &header);
	void close_request(const wire::Header &header);
	void forget_operation();
	void take_uncommitted(Claims *claims);
	void drop_known(Claims *claims);

	RegionTable *table_;
	uint64_t operation_ = 0;
	Claims request_;	  /* of the request that is executed */
	Claims operation_claims_; /* of its operation's earlier requests */
	/* By token: the writes of operations that did not commit. */
	std::unordered_map<uint64_t, IntervalMap> uncommitted_;
};

} // namespace ofi_pmem
