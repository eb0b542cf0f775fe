/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/expected_blocks.hh"

#include <iterator>

namespace ofi_pmem
{

void ExpectedBlocks::add(std::vector<ExpectedBlock> blocks)
{
	for (ExpectedBlock &block : blocks)
		blocks_.emplace(Place{block.range.token, block.range.offset},
				block);
}

/* Finds the first block that ends behind the start of the range. */
ExpectedBlocks::Map::iterator
ExpectedBlocks::first_behind(const wire::Range &range) noexcept
{
	auto at = blocks_.lower_bound({range.token, range.offset});
	if (at == blocks_.begin())
		return at;
	auto before = std::prev(at);
	return overlap(before->second.range, range) ? before : at;
}

void ExpectedBlocks::forget(const wire::Range &range) noexcept
{
	auto at = first_behind(range);
	while (at != blocks_.end() && overlap(at->second.range, range))
		at = blocks_.erase(at);
}

void ExpectedBlocks::take(const wire::Range &within,
			  std::vector<ExpectedBlock> *taken)
{
	auto at = blocks_.lower_bound({within.token, within.offset});
	while (at != blocks_.end() && overlap(at->second.range, within)) {
		const wire::Range &block = at->second.range;
		uint64_t last = block.offset - within.offset + block.length;
		if (last > within.length)
			return;
		taken->push_back(at->second);
		at = blocks_.erase(at);
	}
}

void ExpectedBlocks::take_all(std::vector<ExpectedBlock> *taken)
{
	for (const auto &[place, block] : blocks_)
		taken->push_back(block);
	blocks_.clear();
}

} // namespace ofi_pmem
