/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Numbers as a user writes them: 3,7-9,12.
 */
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fi_pmem
{

class NumberSet
{
public:
	NumberSet() = default;
	/* Must be called in ascending order. */
	explicit NumberSet(const std::vector<uint32_t> &numbers);

	/* Returns false if the text is not such a list, in ascending order. */
	[[nodiscard]] bool parse(const std::string &text);

	[[nodiscard]] bool empty() const { return ranges_.empty(); }
	[[nodiscard]] bool contains(uint32_t number) const;
	[[nodiscard]] std::string text() const;

private:
	std::vector<std::pair<uint32_t, uint32_t>>
		ranges_; /* the last number is included */
};

} // namespace fi_pmem
