/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem verify compares a local file with a range of a region by digests.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_verify(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_verify(Options *options);
[[nodiscard]] int run_verify(const Options &options, Report &report);

} // namespace fi_pmem
