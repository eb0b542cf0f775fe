/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem status: what a server says of itself.
 */
#pragma once

namespace fi_pmem
{

struct Options;
class Report;

[[nodiscard]] int run_status(const Options &options, Report &report);

} // namespace fi_pmem
