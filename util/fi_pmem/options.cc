/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The command line by CLI11, whose exceptions end here. A usage error under
 * --json is a JSON object as every other error is.
 */
#include "config.h"

#include "options.hh"

#include <rdma/fabric.h>

#include <iostream>
#include <string_view>

#include "exit_codes.hh"
#include "option_kinds.hh"
#include "report.hh"
#include "usage.hh"

namespace fi_pmem
{

namespace
{

constexpr uint64_t kMaxBlock = uint64_t{1} << 30;
constexpr uint64_t kMaxWindow = uint64_t{4} << 30;

std::string version_text()
{
	uint32_t fabric = fi_version();
	return std::string("fi_pmem " PACKAGE_VERSION " (libfabric ") +
	       std::to_string(FI_MAJOR(fabric)) + "." +
	       std::to_string(FI_MINOR(fabric)) + ")";
}

void add_transfer(CLI::App *app, Options *options)
{
	add_number(app, "--depth", options->depth,
		   "operations in flight (default: 16)", 1, 4096);
	add_size(app, "--block", options->block_bytes,
		 "bytes in one operation (default: 256K)");
}

void add_serve(CLI::App *app, Options *options)
{
	add_positional(app, "FILE", options->files,
		       "files or DAX devices to export; created if missing")
		->required();
	auto size =
		add_size(app, "--size", options->size,
			 "make FILE at least this large; needed to create it");
	app->add_flag("--read-only", options->read_only,
		      "clients may read and compare, not write")
		->excludes(size);
	add_name(app, "--bind", options->bind,
		 "address to listen on (default: every one)", "ADDR");
	add_number(app, "--port", options->port,
		   "port to listen on, 0: the system chooses (default: 7476)");
	add_number(app, "--data-port", options->data_port,
		   "port that takes the data, 0: the system chooses, or "
		   "FI_OFI_PMEM_PORT_RANGE (default: 0)");
	app->add_flag("--spin", options->spin,
		      "poll without sleeping, for providers that progress "
		      "only so");
	add_rdm(app, options);
	app->add_flag("-v,--verbose", options->verbose,
		      "tell about clients on standard error");
	add_common(app, options);
}

void add_status(CLI::App *app, Options *options, std::string *peer)
{
	add_positional(app, "PEER", *peer,
		       "HOST[:PORT] where fi_pmem serve listens")
		->required();
	add_timeout(app, options,
		    "seconds after which asking fails (default: 10)");
	add_rdm(app, options);
	add_common(app, options);
}

void add_put(CLI::App *app, Options *options, std::string *peer)
{
	add_positional(app, "LOCAL", options->file,
		       "file to copy, - for standard input")
		->required();
	add_peer(app, options, peer);
	add_transfer(app, options);
	add_size(app, "--source-offset", options->source_offset,
		 "where in LOCAL to begin (default: 0)");
	add_size(app, "--length", options->length,
		 "bytes of LOCAL to copy (default: to its end)");
	add_size(app, "--window", options->window_bytes,
		 "bytes after which what was written is made durable, at most "
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

void add_rate(CLI::App *app, Options *options)
{
	add_size(app, "--rate", options->rate,
		 "bytes of the region each second, at most (default: no "
		 "limit)");
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
				"tells what of the region and how",
				"SUMS")
			       ->excludes(save);
	add_force(app, options, "let --save replace a file");
	for (const char *fixed :
	     {"--offset", "--length", "--digest", "--block"})
		against->excludes(app->get_option(fixed));
	add_common(app, options);
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

void add_info(CLI::App *app, Options *options)
{
	add_positional(app, "PLACE", options->place,
		       "directory or device DAX to try");
	add_name(app, "--bind", options->bind,
		 "address to try it by, one of this host (default: 127.0.0.1)",
		 "ADDR");
	add_timeout(app, options,
		    "seconds after which trying fails (default: 10)");
	add_common(app, options);
}

/* What no single option can check; empty if all is well. */
std::string check_together(Options &options)
{
	if (options.size && !*options.size)
		return "--size: must be 1 or more";
	if (options.length && !*options.length)
		return "--length: must be 1 or more";
	if (!options.block_bytes || options.block_bytes > kMaxBlock)
		return "--block: must be 1 to 1G";
	if (options.block_bytes * options.depth > kMaxWindow)
		return "--depth times --block must not exceed 4G";
	if (!options.window_bytes)
		return "--window: must be 1 or more";
	if (options.resume && options.file == "-")
		return "--resume: standard input cannot be read twice";
	if (options.data_port && options.data_port == options.port)
		return "--port and --data-port must differ";
	if (options.command == Command::get && options.file == "-" &&
	    options.json)
		return "--json and the data cannot share standard output: "
		       "LOCAL must be a file";
	if (options.command == Command::scrub && options.save.empty() &&
	    options.against.empty())
		return "--save SUMS or --against SUMS is missing";
	if (options.digest_block < kMinDigestBlock ||
	    options.digest_block > kMaxDigestBlock)
		return "--block: must be 64 to 1G";
	if (options.command == Command::info && !options.place.empty())
		return check_ofi_pmem(options);
	if (options.command == Command::bench)
		return check_bench(options);
	if (options.command == Command::torture)
		return check_torture(&options);
	return options.command == Command::log ? check_log(options) : "";
}

int usage_error(int argc, char **argv, const std::string &command,
		const std::string &text)
{
	bool json = false;
	for (int i = 1; i < argc; i++)
		json = json || std::string_view(argv[i]) == "--json";
	Report report(command, json);
	int exit_code = report.finish(report.fail(kUsage, "%s", text.c_str()));
	if (!json)
		std::cerr << "Run fi_pmem " << command
			  << (command.empty() ? "" : " ")
			  << "--help for the options.\n";
	return exit_code;
}

/* What follows from the command; empty if all is well. */
std::string complete(const std::string &peer, Options *options)
{
	bool may_be_local = options->command == Command::bench ||
			    options->command == Command::torture;
	options->local = options->command == Command::info ||
			 (may_be_local && peer.empty());
	if (options->local && options->bind.empty())
		options->bind = "127.0.0.1";
	if (options->command != Command::serve && !options->local &&
	    !parse_address(peer, &options->peer))
		return "'" + peer +
		       "' is not HOST[:PORT]; PORT is 1 to 65535, and an IPv6 "
		       "address before it needs brackets";
	return check_together(*options);
}

} // namespace

bool parse_options(int argc, char **argv, Options *options, int *exit_code)
{
	CLI::App app{"Remote persistent memory from the command line."};
	app.name("fi_pmem");
	app.footer("Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot reach the "
		   "peer, 4 peer refused,\n5 local file, 6 does not fit the "
		   "region, 7 differs, 8 hung,\n128+N ended by signal N. See "
		   "fi_pmem(1).");
	app.set_version_flag("--version", version_text());
	app.require_subcommand(1);
	app.formatter(std::make_shared<HelpText>());
	app.option_defaults()->multi_option_policy(
		CLI::MultiOptionPolicy::TakeLast);
	std::string peer;
	auto serve = app.add_subcommand(
		"serve", "export a file or DAX device as a persistent region");
	auto put = app.add_subcommand(
		"put", "copy a local file into a region, durably");
	auto get = app.add_subcommand("get", "copy a region to a local file");
	auto status = app.add_subcommand(
		"status", "tell what a server serves, and how it does");
	add_serve(serve, options);
	add_status(status, options, &peer);
	add_put(put, options, &peer);
	add_get(get, options, &peer);
	auto verify = app.add_subcommand(
		"verify", "compare a local file with a region, by digests");
	auto scrub = app.add_subcommand(
		"scrub", "digest a region, compare with what was saved");
	auto info = app.add_subcommand(
		"info", "tell what durability this host can give");
	add_verify(verify, options, &peer);
	add_info(info, options);
	auto bench = add_benchmark(&app, options, &peer);
	add_scrub(scrub, options, &peer);
	auto log = add_log(&app, options, &peer);
	auto torture = add_torture(&app, options, &peer);
	try {
		app.parse(argc, argv);
	} catch (const CLI::Success &done) {
		*exit_code = app.exit(done);
		return false;
	} catch (const CLI::ParseError &error) {
		const CLI::App &command = blamed_command(app);
		*exit_code = usage_error(argc, argv, command_name(command),
					 usage_problem(command, error));
		return false;
	}
	options->name = command_name(parsed_command(app));
	options->command = serve->parsed()     ? Command::serve
			   : status->parsed()  ? Command::status
			   : put->parsed()     ? Command::put
			   : log->parsed()     ? Command::log
			   : verify->parsed()  ? Command::verify
			   : scrub->parsed()   ? Command::scrub
			   : info->parsed()    ? Command::info
			   : bench->parsed()   ? Command::bench
			   : torture->parsed() ? Command::torture
					       : Command::get;
	std::string problem = complete(peer, options);
	if (problem.empty())
		return true;
	*exit_code = usage_error(argc, argv, options->name, problem);
	return false;
}

} // namespace fi_pmem
