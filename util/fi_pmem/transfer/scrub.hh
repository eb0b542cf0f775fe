/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem scrub digests a region, to save the digests or to compare them with
 * those saved before.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_scrub(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_scrub(Options *options);
[[nodiscard]] int run_scrub(const Options &options, Report &report);

} // namespace fi_pmem
