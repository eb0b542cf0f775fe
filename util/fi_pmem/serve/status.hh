/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem status shows what a server says about itself.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_status(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_status(Options *options);
[[nodiscard]] int run_status(const Options &options, Report &report);

} // namespace fi_pmem
