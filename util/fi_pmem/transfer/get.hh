/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem get copies a region, or a part of it, into a local file.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_get(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_get(Options *options);
[[nodiscard]] int run_get(const Options &options, Report &report);

} // namespace fi_pmem
