/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds a smaller set of numbers that still fails: ddmin of A. Zeller and R.
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002).
 */
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace fi_pmem
{

/*
 * `fails` may wrongly say that something does not fail: then the result is
 * larger than it could be. It is asked at most `most` times.
 */
[[nodiscard]] std::vector<uint32_t>
shrink(std::vector<uint32_t> numbers,
       const std::function<bool(const std::vector<uint32_t> &)> &fails,
       uint64_t most);

} // namespace fi_pmem
