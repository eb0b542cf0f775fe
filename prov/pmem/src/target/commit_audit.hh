/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the commits of one channel stand for, to be looked up in the regions'
 * flush ledgers before they are acknowledged (FI_OFI_PMEM_LEDGER): a commit for
 * the writes of its own operation, a fenced one for every write of the channel
 * since the last. Does nothing for regions without a ledger. See
 * persist/ledger_backend.hh on what that proves.
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
	/* A write and when it was, as the ledger of its region counts. */
	struct Claim {
		uint64_t token;
		Extent extent;
		FlushLedger::Mark mark;
	};
	using Claims = std::vector<Claim>;

	explicit CommitAudit(RegionTable *table) noexcept : table_(table) {}

	/* Before a request is executed: the bytes that it will write. */
	void before(const wire::Write &request, size_t len);
	void before(const AtomicRequest &request);
	/* These were written one-sided: here the ledger learns of them. */
	void before(const wire::Flush &request, const uint8_t *ranges,
		    size_t count);

	/*
	 * After it was executed. What its commit, if it is one and did not
	 * fail, stands for.
	 */
	[[nodiscard]] Claims after(const wire::Header &header, bool failed);

	/*
	 * Before a fenced commit that stores is executed: every write of the
	 * channel before it must be durable.
	 */
	[[nodiscard]] Failure verify_earlier(const wire::Header &header);

	/*
	 * After the drain, before the acknowledgement: FI_EIO when a byte is
	 * not durable. Its region is poisoned then.
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
	Claims operation_claims_; /* of its operation's requests before */
	/* By token: what was written by operations that did not commit. */
	std::unordered_map<uint64_t, IntervalMap> uncommitted_;
};

} // namespace ofi_pmem
