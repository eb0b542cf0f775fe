/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "cli/number_set.hh"

#include <algorithm>
#include <charconv>

namespace fi_pmem
{

NumberSet::NumberSet(const std::vector<uint32_t> &numbers)
{
	for (uint32_t number : numbers) {
		if (!ranges_.empty() && ranges_.back().second + 1 == number)
			ranges_.back().second = number;
		else
			ranges_.emplace_back(number, number);
	}
}

bool NumberSet::parse(const std::string &text)
{
	ranges_.clear();
	const char *at = text.data();
	const char *end = at + text.size();
	for (;;) {
		uint32_t first = 0;
		auto result = std::from_chars(at, end, first);
		uint32_t last = first;
		if (result.ec == std::errc{} && result.ptr != end &&
		    *result.ptr == '-')
			result = std::from_chars(result.ptr + 1, end, last);
		bool ascends = last >= first && (ranges_.empty() ||
						 first > ranges_.back().second);
		if (result.ec != std::errc{} || !ascends)
			return false;
		ranges_.emplace_back(first, last);
		if (result.ptr == end)
			return true;
		if (*result.ptr != ',')
			return false;
		at = result.ptr + 1;
	}
}

bool NumberSet::contains(uint32_t number) const
{
	auto behind = std::upper_bound(ranges_.begin(), ranges_.end(), number,
				       [](uint32_t one, const auto &range) {
					       return one < range.first;
				       });
	return behind != ranges_.begin() && number <= std::prev(behind)->second;
}

std::string NumberSet::text() const
{
	std::string text;
	for (const auto &[first, last] : ranges_) {
		text += text.empty() ? "" : ",";
		text += std::to_string(first);
		if (last != first)
			text += "-" + std::to_string(last);
	}
	return text;
}

} // namespace fi_pmem
