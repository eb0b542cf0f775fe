/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem put copies a local file into a region. By default it returns 0 only
 * when every byte is durable at the peer.
 */
#pragma once

#include "cli/command.hh"

namespace fi_pmem
{

/* This is its line in the table of main.cc. */
void add_put(CLI::App *app, Options *options, std::string *peer);
[[nodiscard]] std::string check_put(Options *options);
[[nodiscard]] int run_put(const Options &options, Report &report);

} // namespace fi_pmem
