/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem torture runs random operations and faults, and checks that what was
 * acknowledged is there afterwards.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_torture(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_torture(Options *options);
[[nodiscard]] int run_torture(const Options &options, Report &report);

} // namespace fi_pmem
