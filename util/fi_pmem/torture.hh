/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem torture: random operations and faults, and whether what was
 * acknowledged is there afterwards.
 */
#pragma once

namespace fi_pmem
{

struct Options;
class Report;

[[nodiscard]] int run_torture(const Options &options, Report &report);

} // namespace fi_pmem
