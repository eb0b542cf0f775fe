/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem serve: exports files and DAX devices as persistent regions.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_serve(CLI::App *app, Options *options, std::string *);
[[nodiscard]] std::string check_serve(Options *options);
[[nodiscard]] int run_serve(const Options &options, Report &report);

} // namespace fi_pmem
