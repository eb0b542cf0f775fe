/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Options that are numbers, and sizes such as 64K, in CLI11.
 */
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "options.hh"

namespace fi_pmem
{

/* Empty if it starts with a digit: CLI11 takes "-1" for a huge number. */
std::string reject_sign(const std::string &text);

/* Replaces 64K, 1M, 2GiB ... by the number of bytes. Empty if it can. */
std::string to_bytes(std::string &text);

template <typename Value>
CLI::Option *add_number(CLI::App *app, const char *name, Value &value,
			const char *help)
{
	return app->add_option(name, value, help)
		->check(reject_sign)
		->option_text("N");
}

template <typename Value>
CLI::Option *add_size(CLI::App *app, const char *name, Value &value,
		      const char *help)
{
	return app->add_option(name, value, help)
		->transform(CLI::Validator(to_bytes, ""))
		->option_text("SIZE");
}

/* Several numbers with commas between. */
template <typename Value>
CLI::Option *add_numbers(CLI::App *app, const char *name,
			 std::vector<Value> &values, const char *help)
{
	return app->add_option(name, values, help)
		->delimiter(',')
		->check(reject_sign)
		->option_text("N,...");
}

/* There is none, or some are not 1 to `most`. */
bool outside(const std::vector<size_t> &values, size_t most);

/* --provider, --json. */
void add_common(CLI::App *app, Options *options);

/* --force */
void add_force(CLI::App *app, Options *options, const char *help);

/* --rdm */
void add_rdm(CLI::App *app, Options *options);

/* PEER, --offset, --timeout, --stall. */
void add_peer(CLI::App *app, Options *options, std::string *peer);

/* The command log with its own commands. */
CLI::App *add_log(CLI::App *app, Options *options, std::string *peer);

/* The command bench. */
CLI::App *add_benchmark(CLI::App *app, Options *options, std::string *peer);
std::string check_bench(const Options &options);

/* The command torture; `peer` is its --target. */
CLI::App *add_torture(CLI::App *app, Options *options, std::string *peer);
/* Also sets what follows from others. */
std::string check_torture(Options *options);

/* What no single one of its options can check; empty if all is well. */
std::string check_log(const Options &options);

} // namespace fi_pmem
