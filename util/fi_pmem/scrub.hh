/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem scrub: digests a region, to save them or to compare them with those
 * that were saved before.
 */
#pragma once

namespace fi_pmem
{

struct Options;
class Report;

[[nodiscard]] int run_scrub(const Options &options, Report &report);

} // namespace fi_pmem
