/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Options that are numbers, sizes such as 64K, words or names, in CLI11. What
 * they accept is checked here and not by CLI11, which would speak of C++ types.
 */
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "options.hh"

namespace fi_pmem
{

/* Replaces 64K, 1M, 2GiB ... by the number of bytes. Empty if it can. */
std::string to_bytes(std::string &text);

/*
 * Checks for a decimal number, and removes leading zeros: CLI11 would take what
 * follows them for an octal one.
 */
CLI::Validator number_from(uint64_t least, uint64_t most);

/* Any text but an empty one. */
std::string not_empty(const std::string &text);

/* Empty if it is one of these words. */
std::string check_word(const std::string &text,
		       const std::vector<std::string> &words);

template <typename Value>
CLI::Option *add_number(CLI::App *app, const char *name, Value &value,
			const char *help, uint64_t least = 0,
			uint64_t most = std::numeric_limits<Value>::max())
{
	return app->add_option(name, value, help)
		->transform(number_from(least, most))
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
			 std::vector<Value> &values, const char *help,
			 uint64_t least, uint64_t most)
{
	return app->add_option(name, values, help)
		->delimiter(',')
		->transform(number_from(least, most))
		->option_text("N,...");
}

/* The name of a file, a host or a provider; help shows it as `shown`. */
template <typename Value>
CLI::Option *add_name(CLI::App *app, const char *name, Value &value,
		      const char *help, const char *shown)
{
	return app->add_option(name, value, help)
		->check(not_empty)
		->option_text(shown);
}

/* An argument without a name; help shows it as an option is shown. */
template <typename Value>
CLI::Option *add_positional(CLI::App *app, const char *name, Value &value,
			    const char *help)
{
	return app->add_option(name, value, help)
		->check(not_empty)
		->type_name("");
}

/* One of some words, which stand for values. */
template <typename Value>
CLI::Option *add_choice(CLI::App *app, const char *name, Value &value,
			const std::map<std::string, Value> &choices,
			const char *help, const char *shown)
{
	std::vector<std::string> words;
	for (const auto &choice : choices)
		words.push_back(choice.first);
	auto take = [&value, choices](const std::string &text) {
		value = choices.at(text);
	};
	return app->add_option_function<std::string>(name, take, help)
		->check([words](const std::string &text) {
			return check_word(text, words);
		})
		->option_text(shown);
}

/* Several words with commas between. */
std::string join_words(const std::vector<std::string> &words);

/* --provider, --json. */
void add_common(CLI::App *app, Options *options);

/* That of a command which needs ofi_pmem; empty if the provider has it. */
std::string check_ofi_pmem(const Options &options);

/* --force */
void add_force(CLI::App *app, Options *options, const char *help);

/* --rdm */
void add_rdm(CLI::App *app, Options *options);

/* --region */
void add_region(CLI::App *app, Options *options);

/* PEER, --offset, --region, --timeout, --stall. */
void add_peer(CLI::App *app, Options *options, std::string *peer);

/* --timeout */
void add_timeout(CLI::App *app, Options *options, const char *help);

/* --timeout and --stall, of which each has a default of its own. */
void add_limits(CLI::App *app, Options *options, const char *stall_help);

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
