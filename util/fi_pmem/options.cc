/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The command line by CLI11, whose exceptions end here. A usage error under
 * --json is a JSON object as every other error is.
 */
#include "config.h"

#include "options.hh"

#include <rdma/fabric.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iostream>
#include <string_view>

#include "exit_codes.hh"
#include "option_kinds.hh"
#include "report.hh"

namespace fi_pmem
{

std::string reject_sign(const std::string &text)
{
	bool starts_with_digit =
		!text.empty() && text[0] >= '0' && text[0] <= '9';
	return starts_with_digit ? "" : "'" + text + "' is not a number";
}

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

bool outside(const std::vector<size_t> &values, size_t most)
{
	return values.empty() ||
	       std::any_of(values.begin(), values.end(), [most](size_t value) {
		       return !value || value > most;
	       });
}

void add_common(CLI::App *app, Options *options)
{
	app->add_option("-p,--provider", options->provider,
			"libfabric provider (default: verbs;ofi_pmem where "
			"there is a verbs device, else tcp;ofi_pmem)");
	app->add_flag("--json", options->json,
		      "print one JSON object a line instead of text");
}

void add_force(CLI::App *app, Options *options, const char *help)
{
	app->add_flag("--force", options->force, help);
}

void add_rdm(CLI::App *app, Options *options)
{
	app->add_flag("--rdm", options->rdm,
		      "endpoints without connection; the peer must use them "
		      "too");
}

void add_peer(CLI::App *app, Options *options, std::string *peer)
{
	app->add_option("PEER", *peer,
			"HOST[:PORT] where fi_pmem serve listens")
		->required()
		->type_name("");
	add_size(app, "--offset", options->offset,
		 "where in the region to begin (default: 0)");
	add_number(app, "--region", options->region,
		   "which region, where fi_pmem serve has several FILEs "
		   "(default: 0, the first)");
	auto timeout = add_number(app, "--timeout", options->timeout_s,
				  "seconds after which every wait for the peer "
				  "fails (default: 30, or --stall)")
			       ->check(CLI::Range(1, 86400));
	auto stall = add_number(app, "--stall", options->stall_s,
				"seconds without any progress after which what "
				"has begun fails (default: 30, or --timeout)")
			     ->check(CLI::Range(1, 86400));
	app->callback([options, timeout, stall] {
		if (timeout->count() && !stall->count())
			options->stall_s = options->timeout_s;
		else if (!timeout->count())
			options->timeout_s = options->stall_s;
	});
}

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
		   "operations in flight (default: 16)")
		->check(CLI::Range(1, 4096));
	add_size(app, "--block", options->block_bytes,
		 "bytes in one operation (default: 256K)");
}

void add_serve(CLI::App *app, Options *options)
{
	app->add_option("FILE", options->files,
			"files or DAX devices to export; created if missing")
		->required()
		->type_name("");
	auto size =
		add_size(app, "--size", options->size,
			 "make FILE at least this large; needed to create it");
	app->add_flag("--read-only", options->read_only,
		      "clients may read and compare, not write")
		->excludes(size);
	app->add_option("--bind", options->bind,
			"address to listen on (default: every one)");
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
	app->add_option("PEER", *peer,
			"HOST[:PORT] where fi_pmem serve listens")
		->required()
		->type_name("");
	add_number(app, "--timeout", options->timeout_s,
		   "seconds after which asking fails (default: 10)")
		->check(CLI::Range(1, 86400));
	add_rdm(app, options);
	add_common(app, options);
}

void add_put(CLI::App *app, Options *options, std::string *peer)
{
	app->add_option("LOCAL", options->file,
			"file to copy, - for standard input")
		->required()
		->type_name("");
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
	app->add_option("--digest", options->digest,
			"crc32c, crc64nvme, crc64ecma, crc16t10dif, xxh3, "
			"xxh128 or sha256 (default: xxh3)")
		->transform(CLI::CheckedTransformer(names))
		->type_name("")
		->option_text("NAME");
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
	app->add_option("LOCAL", options->file, "file to compare with")
		->required()
		->type_name("");
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
	auto sums = app->add_option_group("sums");
	sums->add_option("--save", options->save,
			 "write the digests to this file")
		->option_text("SUMS");
	auto against =
		sums->add_option("--against", options->against,
				 "compare with the digests of this file, which "
				 "tells what of the region and how")
			->option_text("SUMS");
	sums->require_option(1);
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
	app->add_option("LOCAL", options->file,
			"file to write, - for standard output")
		->required()
		->type_name("");
	add_size(app, "--length", options->length,
		 "bytes to read (default: to the end of the region)");
	add_common(app, options);
}

void add_info(CLI::App *app, Options *options)
{
	app->add_option("PLACE", options->place,
			"directory or device DAX to try")
		->type_name("");
	app->add_option("--bind", options->bind,
			"address to try it by, one of this host (default: "
			"127.0.0.1)")
		->option_text("ADDR");
	add_number(app, "--timeout", options->timeout_s,
		   "seconds after which trying fails (default: 10)")
		->check(CLI::Range(1, 86400));
	add_common(app, options);
}

/* What no single option can check; empty if all is well. */
std::string check_together(Options &options)
{
	if (options.size && !*options.size)
		return "--size: the region cannot be empty";
	if (options.length && !*options.length)
		return "--length: nothing to read";
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
		return "--json and the data cannot share standard output";
	if (options.digest_block < kMinDigestBlock ||
	    options.digest_block > kMaxDigestBlock)
		return "--block: must be 64 to 1G";
	if (options.command == Command::bench)
		return check_bench(options);
	if (options.command == Command::torture)
		return check_torture(&options);
	return options.command == Command::log ? check_log(options) : "";
}

bool usage_error(int argc, char **argv, const std::string &text, int *exit_code)
{
	bool json = false;
	for (int i = 1; i < argc; i++)
		json = json || std::string_view(argv[i]) == "--json";
	Report report("", json);
	*exit_code = report.finish(report.fail(kUsage, "%s", text.c_str()));
	if (!json)
		std::cerr << "Run fi_pmem --help for the options.\n";
	return false;
}

} // namespace

bool parse_options(int argc, char **argv, Options *options, int *exit_code)
{
	CLI::App app{"Remote persistent memory from the command line."};
	app.name("fi_pmem");
	app.footer("Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot reach the "
		   "peer, 4 peer refused,\n5 local file, 6 does not fit the "
		   "region, 7 differs, 8 hung, 128+N ended by signal N. See "
		   "fi_pmem(1).");
	app.set_version_flag("--version", version_text());
	app.require_subcommand(1);
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
	} catch (const CLI::Error &error) {
		return usage_error(argc, argv, error.what(), exit_code);
	}
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
	bool local = options->command == Command::info ||
		     ((options->command == Command::bench ||
		       options->command == Command::torture) &&
		      peer.empty());
	if (local && options->bind.empty())
		options->bind = "127.0.0.1";
	options->local = local;
	if (options->command != Command::serve && !local &&
	    !parse_address(peer, &options->peer))
		return usage_error(argc, argv,
				   "'" + peer + "' is not HOST[:PORT]",
				   exit_code);
	std::string problem = check_together(*options);
	return problem.empty() || usage_error(argc, argv, problem, exit_code);
}

} // namespace fi_pmem
