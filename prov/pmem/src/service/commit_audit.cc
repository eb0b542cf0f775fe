/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/commit_audit.hh"

#include <algorithm>
#include <limits>

namespace ofi_pmem
{

namespace
{

constexpr Extent kEverything{0, std::numeric_limits<uint64_t>::max()};

Extent extent_of(const wire::Range &range) noexcept
{
	return {range.offset, range.offset + range.length};
}

} // namespace

/* Returns null also for a range that the executor will refuse. */
FlushLedger *CommitAudit::ledger_of(const wire::Range &range) noexcept
{
	TargetRegion *region = nullptr;
	if (table_->admit(range.token, key_, &region) || !range.length ||
	    region->check(range.offset, range.length, 0))
		return nullptr;
	return region->backend->ledger();
}

void CommitAudit::claim(const wire::Range &range)
{
	if (FlushLedger *ledger = ledger_of(range))
		request_.push_back(
			{range.token, extent_of(range), ledger->mark()});
}

/* The requests of one operation follow each other. */
void CommitAudit::begin(const wire::Header &header)
{
	request_.clear();
	if (header.operation != operation_)
		forget_operation();
	operation_ = header.operation;
}

/* The operation did not commit, or its commit took its claims along. */
void CommitAudit::forget_operation()
{
	for (const Claim &claim : operation_claims_)
		uncommitted_[claim.token].assign(claim.extent, claim.mark);
	operation_claims_.clear();
}

void CommitAudit::before(const wire::Write &request, size_t len)
{
	if (idle())
		return;
	begin(request.header);
	claim({request.token, request.offset, len});
}

void CommitAudit::before(const AtomicRequest &request)
{
	if (idle())
		return;
	begin(request.header());
	/* An atomic that only reads makes durable what it returns, if it
	 * commits. */
	if (!request.traits().modifies() &&
	    !(request.header().flags & wire::kFlush))
		return;
	for (size_t i = 0; i < request.range_count(); i++)
		claim(request.range(i));
}

void CommitAudit::before(const wire::Flush &request, const uint8_t *ranges,
			 size_t count)
{
	if (idle())
		return;
	begin(request.header);
	for (size_t i = 0; i < count; i++) {
		wire::Range range;
		std::memcpy(&range, ranges + i * sizeof(range), sizeof(range));
		if (FlushLedger *ledger = ledger_of(range))
			ledger->store(extent_of(range));
		claim(range);
	}
}

/*
 * The claims of a request that stores and flushes itself count until here: a
 * store behind its own flush is noticed, and the store of a later request is
 * not.
 */
void CommitAudit::close_request(const wire::Header &header)
{
	if (header.type == wire::Type::flush || !(header.flags & wire::kFlush))
		return;
	for (Claim &claim : request_) {
		if (TargetRegion *region = table_->find(claim.token))
			claim.mark = region->backend->ledger()->close();
	}
}

/*
 * A failed write is not covered by later commits; the ranges of a failed flush
 * are, see Session::execute_flush().
 */
CommitAudit::Claims CommitAudit::after(const wire::Header &header, bool failed)
{
	Claims claims;
	if (idle())
		return claims;
	close_request(header);
	if (!failed || header.type == wire::Type::flush)
		operation_claims_.insert(operation_claims_.end(),
					 request_.begin(), request_.end());
	request_.clear();
	if (failed || !(header.flags & wire::kCommit))
		return claims;
	claims.swap(operation_claims_);
	if (header.flags & wire::kFence)
		take_uncommitted(&claims);
	drop_known(&claims);
	return claims;
}

void CommitAudit::take_uncommitted(Claims *claims)
{
	for (const auto &written : uncommitted_) {
		written.second.each(kEverything, [&](const Extent &part,
						     FlushLedger::Mark mark) {
			claims->push_back({written.first, part, mark});
		});
	}
	uncommitted_.clear();
}

/* Drops claims whose region is closed, or whose failure was reported before. */
void CommitAudit::drop_known(Claims *claims)
{
	auto is_known = [&](const Claim &claim) {
		const TargetRegion *region = table_->find(claim.token);
		return !region || region->poison();
	};
	claims->erase(std::remove_if(claims->begin(), claims->end(), is_known),
		      claims->end());
}

Failure CommitAudit::verify_earlier(const wire::Header &header)
{
	if (idle())
		return {};
	begin(header);
	Claims claims;
	take_uncommitted(&claims);
	drop_known(&claims);
	return verify(claims);
}

Failure CommitAudit::verify(const Claims &claims)
{
	Failure first;
	for (const Claim &claim : claims) {
		Failure failure = verify(claim);
		if (!first)
			first = failure;
	}
	return first;
}

/* Nothing can be said about a closed region, nor needs to be. */
Failure CommitAudit::verify(const Claim &claim)
{
	TargetRegion *region = table_->find(claim.token);
	return region ? region->verify(claim.extent, claim.mark) : Failure{};
}

} // namespace ofi_pmem
