/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/flush_ledger.hh"

namespace ofi_pmem
{

void FlushLedger::store(const Extent &extent)
{
	dirty_.assign_new(extent, time_);
}

void FlushLedger::flush(const Extent &extent)
{
	IntervalMap flushed;
	dirty_.each(extent, [&](const Extent &part, uint64_t since) {
		flushed.assign(part, since);
	});
	/* Pending bytes were written earlier, so their mark stays. */
	flushed.each(extent, [&](const Extent &part, uint64_t since) {
		pending_.assign_new(part, since);
	});
	dirty_.erase(extent);
	time_++;
}

void FlushLedger::drain() noexcept
{
	pending_.clear();
	draining_.clear();
}

void FlushLedger::begin_drain(uint64_t ticket)
{
	if (pending_.empty())
		return;
	draining_.emplace_back(ticket, IntervalMap());
	std::swap(draining_.back().second, pending_);
}

void FlushLedger::end_drain(uint64_t ticket) noexcept
{
	while (!draining_.empty() && draining_.front().first <= ticket)
		draining_.pop_front();
}

size_t FlushLedger::size() const noexcept
{
	size_t size = dirty_.size() + pending_.size();
	for (const auto &[ticket, map] : draining_)
		size += map.size();
	return size;
}

std::optional<FlushLedger::Missing> FlushLedger::missing(const Extent &extent,
							 Mark mark) const
{
	std::optional<Missing> first;
	auto look_for = [&](const IntervalMap &map, bool flushed) {
		map.each(extent, [&](const Extent &part, uint64_t since) {
			if (since <= mark &&
			    (!first || part.begin < first->extent.begin))
				first = Missing{part, flushed};
		});
	};
	look_for(dirty_, false);
	look_for(pending_, true);
	for (const auto &[ticket, map] : draining_)
		look_for(map, true);
	return first;
}

} // namespace ofi_pmem
