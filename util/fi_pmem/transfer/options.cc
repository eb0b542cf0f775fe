/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem put, get, verify and scrub.
 */
#include "cli/option_kinds.hh"
#include "transfer/get.hh"
#include "transfer/put.hh"
#include "transfer/scrub.hh"
#include "transfer/verify.hh"

#include <map>

namespace fi_pmem
{

namespace
{

constexpr uint64_t kMaxBlock = uint64_t{1} << 30;
constexpr uint64_t kMaxWindow = uint64_t{4} << 30;

void add_transfer(CLI::App *app, Options *options)
{
	add_number(app, "--depth", options->depth,
		   "operations in flight (default: 16)", 1, 4096);
	add_size(app, "--block", options->block_bytes,
		 "bytes in one operation (default: 256K)");
}

std::string check_transfer(const Options &options)
{
	std::string problem = check_length(options);
	if (!problem.empty())
		return problem;
	if (!options.block_bytes || options.block_bytes > kMaxBlock)
		return "--block: must be 1 to 1G";
	if (options.block_bytes * options.depth > kMaxWindow)
		return "--depth times --block must not exceed 4G";
	return "";
}

void add_digest(CLI::App *app, Options *options)
{
	std::map<std::string, ofi_pmem::DigestAlgorithm> names;
	for (auto digest : ofi_pmem::kDigestAlgorithms)
		names[to_string(digest)] = digest;
	add_choice(app, "--digest", options->digest, names,
		   "crc32c, crc64nvme, crc64ecma, crc16t10dif, xxh3, xxh128 or "
		   "sha256 (default: xxh3)",
		   "NAME");
	add_size(app, "--block", options->digest_block,
		 "bytes that are compared as a whole (default: 4K)");
}

std::string check_digest(const Options &options)
{
	if (options.digest_block < kMinDigestBlock ||
	    options.digest_block > kMaxDigestBlock)
		return "--block: must be 64 to 1G";
	return "";
}

void add_rate(CLI::App *app, Options *options)
{
	add_size(app, "--rate", options->rate,
		 "maximum bytes of the region per second (default: no limit)");
}

} // namespace

void add_put(CLI::App *app, Options *options, std::string *peer)
{
	add_positional(app, "LOCAL", options->file,
		       "file to copy, - for standard input")
		->required();
	add_peer(app, options, peer);
	add_transfer(app, options);
	add_size(app, "--source-offset", options->source_offset,
		 "where to begin in LOCAL (default: 0)");
	add_size(app, "--length", options->length,
		 "bytes of LOCAL to copy (default: to its end)");
	add_size(app, "--window", options->window_bytes,
		 "maximum bytes that are written before they are made durable "
		 "(default: 256M)");
	app->add_flag(
		"--no-commit", [options](int64_t) { options->commit = false; },
		"do not make it durable: it is visible at the peer, and lost "
		"with its power");
	app->add_flag("--verify", options->verify,
		      "read it back at the peer and compare digests")
		->excludes("--no-commit");
	app->add_flag("--resume", options->resume,
		      "copy only what is behind the bytes that the region has "
		      "already")
		->excludes("--no-commit");
	add_common(app, options);
}

std::string check_put(Options *options)
{
	std::string problem = check_transfer(*options);
	if (!problem.empty())
		return problem;
	if (!options->window_bytes)
		return "--window: must be 1 or more";
	if (options->resume && options->file == "-")
		return "--resume: standard input cannot be read twice";
	return "";
}

void add_get(CLI::App *app, Options *options, std::string *peer)
{
	add_peer(app, options, peer);
	add_transfer(app, options);
	add_positional(app, "LOCAL", options->file,
		       "file to write, - for standard output")
		->required();
	add_size(app, "--length", options->length,
		 "bytes to read (default: to the end of the region)");
	add_common(app, options);
}

std::string check_get(Options *options)
{
	std::string problem = check_transfer(*options);
	if (!problem.empty())
		return problem;
	if (options->file == "-" && options->json)
		return "--json and the data cannot share standard output: "
		       "LOCAL must be a file";
	return "";
}

void add_verify(CLI::App *app, Options *options, std::string *peer)
{
	add_positional(app, "LOCAL", options->file, "file to compare with")
		->required();
	add_peer(app, options, peer);
	add_digest(app, options);
	add_rate(app, options);
	add_common(app, options);
}

std::string check_verify(Options *options)
{
	return check_digest(*options);
}

void add_scrub(CLI::App *app, Options *options, std::string *peer)
{
	add_peer(app, options, peer);
	add_size(app, "--length", options->length,
		 "bytes to digest (default: to the end of the region)");
	add_digest(app, options);
	add_rate(app, options);
	auto save = add_name(app, "--save", options->save,
			     "write the digests to this file", "SUMS");
	auto against = add_name(app, "--against", options->against,
				"compare with the digests of this file, which "
				"says what part of the region and how",
				"SUMS")
			       ->excludes(save);
	add_force(app, options, "let --save replace a file");
	for (const char *fixed :
	     {"--offset", "--length", "--digest", "--block"})
		against->excludes(app->get_option(fixed));
	add_common(app, options);
}

std::string check_scrub(Options *options)
{
	std::string problem = check_length(*options);
	if (!problem.empty())
		return problem;
	if (options->save.empty() && options->against.empty())
		return "--save SUMS or --against SUMS is missing";
	return check_digest(*options);
}

} // namespace fi_pmem
