/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem key new makes a region key: a line for the file that --seal-key and
 * FI_OFI_PMEM_SEAL_KEY_FILE name.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_key(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_key(Options *options);
[[nodiscard]] int run_key(const Options &options, Report &report);

} // namespace fi_pmem
