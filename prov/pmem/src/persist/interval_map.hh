/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keeps a number for each byte of some ranges, as ranges: neighbours with the
 * same number are one entry. Not thread-safe. Functions that insert throw
 * std::bad_alloc, and may then have lost what was known about the range.
 */
#pragma once

#include "persist/extent.hh"

#include <algorithm>
#include <iterator>
#include <map>

namespace ofi_pmem
{

class IntervalMap
{
public:
	bool empty() const noexcept { return entries_.empty(); }
	size_t size() const noexcept { return entries_.size(); }
	void clear() noexcept { entries_.clear(); }

	/* Forgets the bytes of `extent`. */
	void erase(const Extent &extent)
	{
		split(extent.begin);
		split(extent.end);
		entries_.erase(entries_.lower_bound(extent.begin),
			       entries_.lower_bound(extent.end));
	}

	/* Gives the bytes of `extent` the number, whatever they had. */
	void assign(const Extent &extent, uint64_t number)
	{
		if (extent.begin >= extent.end)
			return;
		erase(extent);
		auto made = entries_.emplace(extent.begin,
					     Entry{extent.end, number});
		join(std::next(made.first));
		join(made.first);
	}

	/* Gives the number to the bytes of `extent` that had none. */
	void assign_new(const Extent &extent, uint64_t number)
	{
		std::vector<Extent> taken;
		each(extent, [&](const Extent &part, uint64_t) {
			taken.push_back(part);
		});
		for (const Extent &part : subtract(extent, taken))
			assign(part, number);
	}

	/* Calls visit(part, number) for the known parts of `extent`, ascending.
	 */
	template <typename Visit>
	void each(const Extent &extent, Visit &&visit) const
	{
		auto at = entries_.upper_bound(extent.begin);
		if (at != entries_.begin())
			--at;
		for (; at != entries_.end() && at->first < extent.end; ++at) {
			Extent part{std::max(at->first, extent.begin),
				    std::min(at->second.end, extent.end)};
			if (part.begin < part.end)
				visit(part, at->second.number);
		}
	}

private:
	struct Entry {
		uint64_t end;
		uint64_t number;
	};
	using Entries = std::map<uint64_t, Entry>;

	/* Splits an entry that crosses `at` in two. */
	void split(uint64_t at)
	{
		auto next = entries_.lower_bound(at);
		if (next == entries_.begin())
			return;
		Entry &whole = std::prev(next)->second;
		if (whole.end <= at)
			return;
		entries_.emplace_hint(next, at, whole);
		whole.end = at;
	}

	/* Joins an entry and the one before it, if they fit. */
	void join(Entries::iterator entry) noexcept
	{
		if (entry == entries_.end() || entry == entries_.begin())
			return;
		auto before = std::prev(entry);
		if (before->second.end != entry->first ||
		    before->second.number != entry->second.number)
			return;
		before->second.end = entry->second.end;
		entries_.erase(entry);
	}

	Entries entries_;
};

} // namespace ofi_pmem
