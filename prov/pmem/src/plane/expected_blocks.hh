/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What an endpoint wrote with FI_PMEM_VERIFY and has not yet seen verified: of
 * each block where it is and the digest of what was written there.
 */
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "digest/digest.hh"
#include "plane/wire.hh"

namespace ofi_pmem
{

struct ExpectedBlock {
	wire::Range range;
	DigestAlgorithm algorithm;
	Digest digest;
};

/* Not thread-safe. No two blocks overlap. */
class ExpectedBlocks
{
public:
	static constexpr size_t kCapacity = 16384;

	bool empty() const noexcept { return blocks_.empty(); }
	bool has_room(size_t count) const noexcept
	{
		return count <= kCapacity - blocks_.size();
	}

	/* Of bytes that were forgotten, not more than there is room for. */
	void add(std::vector<ExpectedBlock> blocks);

	/* Whoever changes some bytes of a block voids its digest. */
	void forget(const wire::Range &range) noexcept;

	/* Moves those that lie wholly within the range behind *taken. */
	void take(const wire::Range &within, std::vector<ExpectedBlock> *taken);
	void take_all(std::vector<ExpectedBlock> *taken);

	void clear() noexcept { blocks_.clear(); }

private:
	using Place = std::pair<uint64_t, uint64_t>; /* token, offset */
	using Map = std::map<Place, ExpectedBlock>;

	Map::iterator first_behind(const wire::Range &range) noexcept;

	Map blocks_;
};

} // namespace ofi_pmem
