/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Records which bytes of a region are written and not yet durable: written
 * since they were flushed last, or flushed and not drained. It is exact to the
 * byte, and its size is bounded by what is not durable. Bytes that were never
 * reported to it count as durable.
 *
 * Writes before and after a flush differ, so each write has a mark, which
 * flushes and close() count up. A commit asks about what was written up to its
 * mark; later writes of others to the same bytes do not matter to it.
 *
 * Not thread-safe. Throws std::bad_alloc.
 */
#pragma once

#include "persist/interval_map.hh"

#include <deque>
#include <optional>
#include <utility>

namespace ofi_pmem
{

class FlushLedger
{
public:
	using Mark = uint64_t;

	/* The mark of what is written now. */
	Mark mark() const noexcept { return time_; }

	/* The mark of what was written until now; what follows has another. */
	Mark close() noexcept { return time_++; }

	void store(const Extent &extent);
	/* Applies to what was written before. */
	void flush(const Extent &extent);
	/* Applies to what was flushed before. */
	void drain() noexcept;

	/*
	 * A drain of what was flushed before takes a while. Tickets grow; the
	 * end of one is that of the earlier ones.
	 */
	void begin_drain(uint64_t ticket);
	void end_drain(uint64_t ticket) noexcept;

	/* Bytes that a commit lacks. */
	struct Missing {
		Extent extent;
		bool flushed; /* and not drained */
	};

	/*
	 * The first bytes in `extent` that were written up to `mark` and are
	 * not durable.
	 */
	std::optional<Missing> missing(const Extent &extent, Mark mark) const;

	/* The number of ranges that are kept. */
	size_t size() const noexcept;

private:
	Mark time_ = 0;
	/* Has the mark of the first write that was not flushed. */
	IntervalMap dirty_;
	/* Has the mark of the first write that was flushed, not drained. */
	IntervalMap pending_;
	/* Those for which a drain was begun, by its ticket. */
	std::deque<std::pair<uint64_t, IntervalMap>> draining_;
};

} // namespace ofi_pmem
