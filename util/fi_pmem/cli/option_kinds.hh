/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Options that are numbers, sizes such as 64K, words or names, for CLI11. Their
 * values are checked here, because CLI11's messages would name C++ types.
 */
#pragma once

#include "cli/options.hh"

#include <CLI/CLI.hpp>

#include <limits>
#include <map>
#include <string>
#include <vector>

namespace fi_pmem
{

/*
 * Replaces 64K, 1M, 2GiB ... by the number of bytes. Returns empty on success,
 * else what is wrong.
 */
std::string to_bytes(std::string &text);

/*
 * Checks for a decimal number and removes leading zeros, with which CLI11 would
 * take it for an octal one.
 */
CLI::Validator number_from(uint64_t least, uint64_t most);

/* Accepts any text except an empty one. */
std::string not_empty(const std::string &text);

/* Returns empty if the text is one of these words, else what is wrong. */
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

/* Adds an option that takes several numbers with commas between them. */
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

/*
 * Adds an option that takes the name of a file, a host or a provider; help
 * shows it as `shown`.
 */
template <typename Value>
CLI::Option *add_name(CLI::App *app, const char *name, Value &value,
		      const char *help, const char *shown)
{
	return app->add_option(name, value, help)
		->check(not_empty)
		->option_text(shown);
}

/* Adds an argument without a name; help shows it as an option is shown. */
template <typename Value>
CLI::Option *add_positional(CLI::App *app, const char *name, Value &value,
			    const char *help)
{
	return app->add_option(name, value, help)
		->check(not_empty)
		->type_name("");
}

/* Adds an option that takes one of some words, which stand for values. */
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

/* Joins several words with commas between them. */
std::string join_words(const std::vector<std::string> &words);

/* Adds --json. */
void add_json(CLI::App *app, Options *options);

/* Adds --provider and --json. */
void add_common(CLI::App *app, Options *options);

/*
 * Checks the provider of a command that needs ofi_pmem; returns empty if the
 * provider has it.
 */
std::string check_ofi_pmem(const Options &options);

/* Checks --length; returns empty if it is good. */
std::string check_length(const Options &options);

/* Adds --seal-key. */
void add_seal_key(CLI::App *app, Options *options);

/* Adds --force. */
void add_force(CLI::App *app, Options *options, const char *help);

/* Adds --rdm. */
void add_rdm(CLI::App *app, Options *options);

/* Adds --region. */
void add_region(CLI::App *app, Options *options);

/* Adds PEER, --offset, --region, --seal-key, --timeout and --stall. */
void add_peer(CLI::App *app, Options *options, std::string *peer);

/* Adds --timeout. */
void add_timeout(CLI::App *app, Options *options, const char *help);

/* Adds --timeout and --stall, each with a default of its own. */
void add_limits(CLI::App *app, Options *options, const char *stall_help);

} // namespace fi_pmem
