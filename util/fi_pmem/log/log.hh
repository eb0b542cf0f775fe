/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem log works on the log of <ofi_pmem/log.hh> in the region of fi_pmem
 * serve.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_log(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_log(Options *options);
[[nodiscard]] int run_log(const Options &options, Report &report);

} // namespace fi_pmem
