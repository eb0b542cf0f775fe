/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes what a user reads about the command line: its help, and what is wrong
 * with it. CLI11 would say that in its own words, which change with its
 * version.
 */
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace fi_pmem
{

/* Returns the command whose options come last on the command line. */
[[nodiscard]] const CLI::App &parsed_command(const CLI::App &app);

/* Returns the one of these commands whose part of the line is wrong. */
[[nodiscard]] const CLI::App &blamed_command(const CLI::App &app);

/*
 * Returns its name without that of the program: put, log append; empty for the
 * program.
 */
[[nodiscard]] std::string command_name(const CLI::App &command);

/* Says what is wrong with that part, and what would be right. */
[[nodiscard]] std::string usage_problem(const CLI::App &command,
					const CLI::ParseError &error);

/* Formats help so that its lines fit a terminal. */
class HelpText final : public CLI::Formatter
{
public:
	std::string make_option(const CLI::Option *option,
				bool is_positional) const override;
	std::string make_subcommand(const CLI::App *command) const override;
};

} // namespace fi_pmem
