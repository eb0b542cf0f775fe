/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/drain.hh"

#include <algorithm>

namespace ofi_pmem
{

void Drain::note(uint64_t token, const Failure &failure)
{
	if (failure)
		failures_.push_back({token, failure});
}

void Drain::begin(RegionTable *table, SyncThreads *syncs, uint64_t token,
		  size_t commits)
{
	TargetRegion *region = table->find(token);
	if (!region) {
		note(token, kUnknownKey);
		return;
	}
	PendingDrain pending;
	note(token, region->begin_drain(commits, &pending));
	if (!pending)
		return;
	syncs->ask(pending);
	parts_.push_back({token, std::move(pending)});
}

bool Drain::ended() const noexcept
{
	return std::all_of(parts_.begin(), parts_.end(),
			   [](const Part &one) { return one.drain.ended(); });
}

void Drain::end(RegionTable *table)
{
	for (const Part &one : parts_) {
		TargetRegion *region = table->find(one.token);
		note(one.token, region ? region->end_drain(one.drain.ticket)
				       : kUnknownKey);
	}
	parts_.clear();
}

Failure Drain::failure_of(uint64_t token) const noexcept
{
	for (const Outcome &outcome : failures_) {
		if (token == kAnyRegion || token == outcome.token)
			return outcome.failure;
	}
	return {};
}

} // namespace ofi_pmem
