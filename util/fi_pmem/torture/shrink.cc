/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "torture/shrink.hh"

#include <algorithm>

namespace fi_pmem
{

namespace
{

/* Returns piece `index` of `count`, alone, or what is left without it. */
std::vector<uint32_t> piece(const std::vector<uint32_t> &numbers, size_t index,
			    size_t count, bool without)
{
	size_t begin = numbers.size() * index / count;
	size_t end = numbers.size() * (index + 1) / count;
	std::vector<uint32_t> some;
	for (size_t i = 0; i < numbers.size(); i++) {
		if ((i >= begin && i < end) != without)
			some.push_back(numbers[i]);
	}
	return some;
}

} // namespace

std::vector<uint32_t>
shrink(std::vector<uint32_t> numbers,
       const std::function<bool(const std::vector<uint32_t> &)> &fails,
       uint64_t most)
{
	size_t count = 2;
	while (numbers.size() > 1 && count <= numbers.size()) {
		bool smaller = false;
		/*
		 * If there are two pieces, each is what is left without the
		 * other.
		 */
		for (bool without : {false, true}) {
			for (size_t i = 0; !smaller && i < count; i++) {
				if ((without && count == 2) || !most)
					break;
				most--;
				auto some = piece(numbers, i, count, without);
				if (!fails(some))
					continue;
				numbers = std::move(some);
				count = without ? std::max<size_t>(count - 1, 2)
						: 2;
				smaller = true;
			}
		}
		if (!most)
			break;
		if (!smaller && count == numbers.size())
			break;
		if (!smaller)
			count = std::min(2 * count, numbers.size());
	}
	return numbers;
}

} // namespace fi_pmem
