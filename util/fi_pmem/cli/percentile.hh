/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The statistics that bench and log bench report about their measurements.
 */
#pragma once

#include <algorithm>
#include <vector>

namespace fi_pmem
{

inline constexpr double kMedian = 0.5;

/*
 * Returns the value below which `share` of the values lie; there must be at
 * least one.
 */
[[nodiscard]] inline double percentile(std::vector<double> values, double share)
{
	auto last = static_cast<double>(values.size() - 1);
	auto at = values.begin() + static_cast<long>(share * last);
	std::nth_element(values.begin(), at, values.end());
	return *at;
}

} // namespace fi_pmem
