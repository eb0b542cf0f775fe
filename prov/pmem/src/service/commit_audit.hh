/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Records what the commits of one channel stand for, and looks it up in the
 * regions' flush ledgers before they are acknowledged (FI_OFI_PMEM_LEDGER). A
 * commit stands for the writes of its own operation, a fenced one for every
 * write of the channel since the last. Regions without a ledger are ignored.
 * persist/ledger_backend.hh says what this proves.
 *
 * Every function is called under the region table's lock and may throw
 * std::bad_alloc.
 */
#pragma once

#include "core/errors.hh"
#include "persist/flush_ledger.hh"
#include "protocol/wire.hh"
#include "service/atomic_request.hh"
#include "service/region_table.hh"

#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

class CommitAudit
{
public:
	/* Describes a write and its time, as the ledger of its region counts
	 * it. */
	struct Claim {
		uint64_t token;
		Extent extent;
		FlushLedger::Mark mark;
	};
	using Claims = std::vector<Claim>;

	explicit CommitAudit(RegionTable *table) noexcept : table_(table) {}

	/* The channel is sealed with this key, which outlives the audit. */
	void set_key(const RegionKey *key) noexcept { key_ = key; }

	/* Notes the bytes that a request will write, before it is executed. */
	void before(const wire::Write &request, size_t len);
	void before(const AtomicRequest &request);
	/* These bytes were written one-sided; here the ledger learns of them.
	 */
	void before(const wire::Flush &request, const uint8_t *ranges,
		    size_t count);

	/*
	 * Returns what the commit of an executed request stands for, if the
	 * request is a commit and did not fail.
	 */
	[[nodiscard]] Claims after(const wire::Header &header, bool failed);

	/*
	 * Checks that every earlier write of the channel is durable, before a
	 * fenced commit that stores is executed.
	 */
	[[nodiscard]] Failure verify_earlier(const wire::Header &header);

	/*
	 * Checks the claims after the drain and before the acknowledgement.
	 * Returns FI_EIO if a byte is not durable; its region is then poisoned.
	 */
	[[nodiscard]] Failure verify(const Claims &claims);

private:
	/* No region has a ledger. */
	bool idle() const noexcept { return !table_->keeps_ledgers(); }
	[[nodiscard]] Failure verify(const Claim &claim);
	FlushLedger *ledger_of(const wire::Range &range) noexcept;
	void claim(const wire::Range &range);
	void begin(const wire::Header &header);
	void close_request(const wire::Header &header);
	void forget_operation();
	void take_uncommitted(Claims *claims);
	void drop_known(Claims *claims);

	RegionTable *table_;
	const RegionKey *key_ = nullptr;
	uint64_t operation_ = 0;
	Claims request_;	  /* of the request that is executed */
	Claims operation_claims_; /* of earlier requests of its operation */
	/* The writes of operations that did not commit are kept by token. */
	std::unordered_map<uint64_t, IntervalMap> uncommitted_;
};

} // namespace ofi_pmem
