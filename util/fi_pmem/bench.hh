/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem bench: what operations cost, on one provider or on two in the same
 * run.
 */
#pragma once

namespace fi_pmem
{

struct Options;
class Report;

[[nodiscard]] int run_benchmark(const Options &options, Report &report);

} // namespace fi_pmem
