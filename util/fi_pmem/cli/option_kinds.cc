/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The kinds of values that options accept, and the options that several
 * commands have.
 */
#include "cli/option_kinds.hh"

#include "client/fabric.hh"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

namespace fi_pmem
{

std::string to_bytes(std::string &text)
{
	uint64_t number = 0;
	const char *end = text.data() + text.size();
	auto result = std::from_chars(text.data(), end, number);
	std::string unit(result.ptr, end);
	constexpr std::string_view kPrefixes = "kmgt";
	unsigned shift = 0;
	if (!unit.empty()) {
		size_t found = kPrefixes.find(static_cast<char>(
			std::tolower(static_cast<unsigned char>(unit[0]))));
		std::string rest = unit.substr(1);
		bool known = rest.empty() || rest == "B" || rest == "iB";
		if (found == kPrefixes.npos || !known)
			result.ec = std::errc::invalid_argument;
		else
			shift = 10 * (static_cast<unsigned>(found) + 1);
	}
	if (result.ec != std::errc{} || number > UINT64_MAX >> shift)
		return "'" + text + "' is not a size such as 4096, 64K, 2G";
	text = std::to_string(number << shift);
	return "";
}

CLI::Validator number_from(uint64_t least, uint64_t most)
{
	auto check = [least, most](std::string &text) -> std::string {
		uint64_t number = 0;
		const char *end = text.data() + text.size();
		auto result = std::from_chars(text.data(), end, number);
		bool good = result.ec == std::errc{} && result.ptr == end &&
			    number >= least && number <= most;
		if (!good)
			return "must be a number from " +
			       std::to_string(least) + " to " +
			       std::to_string(most) + ", not '" + text + "'";
		text = std::to_string(number);
		return "";
	};
	return CLI::Validator(check, "");
}

std::string not_empty(const std::string &text)
{
	return text.empty() ? "must not be empty" : "";
}

std::string join_words(const std::vector<std::string> &words)
{
	return CLI::detail::join(words, ",");
}

std::string check_word(const std::string &text,
		       const std::vector<std::string> &words)
{
	if (std::find(words.begin(), words.end(), text) != words.end())
		return "";
	return "'" + text + "' is none of " + CLI::detail::join(words, ", ");
}

void add_json(CLI::App *app, Options *options)
{
	app->add_flag("--json", options->json,
		      "print one JSON object per line instead of text");
}

void add_common(CLI::App *app, Options *options)
{
	add_name(app, "-p,--provider", options->provider,
		 "libfabric provider (default: verbs;ofi_pmem where there is a "
		 "verbs device, else tcp;ofi_pmem)",
		 "PROVIDER");
	add_json(app, options);
}

std::string check_ofi_pmem(const Options &options)
{
	if (has_ofi_pmem(options.provider))
		return "";
	return "--provider: '" + options.provider +
	       "' has no ofi_pmem, which " + options.name +
	       " needs: write one such as 'tcp;ofi_pmem'";
}

std::string check_length(const Options &options)
{
	return options.length && !*options.length
		       ? "--length: must be 1 or more"
		       : "";
}

void add_seal_key(CLI::App *app, Options *options)
{
	add_name(app, "--seal-key", options->seal_key,
		 "seal all data with a key of this file, which fi_pmem key new "
		 "makes; nothing goes in clear",
		 "FILE[:ID]");
}

void add_force(CLI::App *app, Options *options, const char *help)
{
	app->add_flag("--force", options->force, help);
}

void add_rdm(CLI::App *app, Options *options)
{
	app->add_flag(
		"--rdm", options->rdm,
		"endpoints without a connection; the peer must use them too");
}

void add_region(CLI::App *app, Options *options)
{
	add_number(app, "--region", options->region,
		   "which region, where fi_pmem serve has several FILEs "
		   "(default: 0, the first)");
}

namespace
{

constexpr uint64_t kLongest = 86400; /* seconds */

} // namespace

void add_peer(CLI::App *app, Options *options, std::string *peer)
{
	add_positional(app, "PEER", *peer,
		       "HOST[:PORT] where fi_pmem serve listens")
		->required();
	add_size(app, "--offset", options->offset,
		 "where to begin in the region (default: 0)");
	add_region(app, options);
	add_seal_key(app, options);
	auto timeout = add_number(app, "--timeout", options->timeout_s,
				  "seconds after which every wait for the peer "
				  "fails (default: 30, or --stall)",
				  1, kLongest);
	auto stall =
		add_number(app, "--stall", options->stall_s,
			   "seconds without any progress after which a running "
			   "operation fails (default: 30, or --timeout)",
			   1, kLongest);
	app->callback([options, timeout, stall] {
		if (timeout->count() && !stall->count())
			options->stall_s = options->timeout_s;
		else if (!timeout->count())
			options->timeout_s = options->stall_s;
	});
}

void add_timeout(CLI::App *app, Options *options, const char *help)
{
	add_number(app, "--timeout", options->timeout_s, help, 1, kLongest);
}

void add_limits(CLI::App *app, Options *options, const char *stall_help)
{
	add_timeout(app, options,
		    "seconds after which connecting fails (default: 10)");
	add_number(app, "--stall", options->stall_s, stall_help, 1, kLongest);
}

} // namespace fi_pmem
