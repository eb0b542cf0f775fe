/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Half-open ranges, and the difference of one and others. */
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace ofi_pmem
{

struct Extent {
	uint64_t begin = 0;
	uint64_t end = 0;
};

inline bool overlap(const Extent &a, const Extent &b) noexcept
{
	return a.begin < b.end && b.begin < a.end;
}

/* Returns the parts of `whole` that no extent in `taken` covers, ascending. */
inline std::vector<Extent> subtract(const Extent &whole,
				    const std::vector<Extent> &taken)
{
	std::vector<Extent> left{whole};
	for (const auto &cut : taken) {
		std::vector<Extent> next;
		for (const auto &part : left) {
			if (!overlap(part, cut)) {
				next.push_back(part);
				continue;
			}
			if (part.begin < cut.begin)
				next.push_back({part.begin, cut.begin});
			if (cut.end < part.end)
				next.push_back({cut.end, part.end});
		}
		left = std::move(next);
	}
	return left;
}

} // namespace ofi_pmem
