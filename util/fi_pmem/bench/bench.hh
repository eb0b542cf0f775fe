/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem bench measures what operations cost, on one provider or on two in the
 * same run.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_bench(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_bench(Options *options);
[[nodiscard]] int run_bench(const Options &options, Report &report);

} // namespace fi_pmem
