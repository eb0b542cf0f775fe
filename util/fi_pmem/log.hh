/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem log: the log of <ofi_pmem/log.hh> in the region of fi_pmem serve.
 */
#pragma once

#include "options.hh"

namespace fi_pmem
{

class Report;

/* Returns an exit code; Report has the result. */
[[nodiscard]] int run_log(const Options &options, Report &report);

} // namespace fi_pmem
