/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The blocks that an endpoint wrote with FI_PMEM_VERIFY and that have not been
 * verified yet: where each one is, and the digest of what was written there.
 */
#pragma once

#include "digest/digest.hh"
#include "protocol/wire.hh"

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace ofi_pmem
{

struct ExpectedBlock {
	wire::Range range;
	DigestAlgorithm algorithm;
	Digest digest;
};

/* It is not thread-safe. No two blocks overlap. */
class ExpectedBlocks
{
public:
	static constexpr size_t kCapacity = 16384;

	bool empty() const noexcept { return blocks_.empty(); }
	bool has_room(size_t count) const noexcept
	{
		return count <= kCapacity - blocks_.size();
	}

	/* The bytes must have been forgotten, and there must be room. */
	void add(std::vector<ExpectedBlock> blocks);

	/* Drops the blocks that contain any of these bytes: a write voids their
	 * digests. */
	void forget(const wire::Range &range) noexcept;

	/* Appends to *taken the blocks wholly within the range, and drops
	 * them. */
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
