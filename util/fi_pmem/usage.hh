/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a user reads of the command line: its help, and what is wrong with it.
 * CLI11 tells that in words of its own, which change with its version.
 */
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace fi_pmem
{

/* The command whose options come last on the command line. */
[[nodiscard]] const CLI::App &parsed_command(const CLI::App &app);

/* The one of these commands whose part of it is wrong. */
[[nodiscard]] const CLI::App &blamed_command(const CLI::App &app);

/* Without the name of the program: put, log append; empty of the program. */
[[nodiscard]] std::string command_name(const CLI::App &command);

/* What is wrong with that part, and what would be right. */
[[nodiscard]] std::string usage_problem(const CLI::App &command,
					const CLI::ParseError &error);

/* Help whose lines fit a terminal. */
class HelpText final : public CLI::Formatter
{
public:
	std::string make_option(const CLI::Option *option,
				bool is_positional) const override;
	std::string make_subcommand(const CLI::App *command) const override;
};

} // namespace fi_pmem
