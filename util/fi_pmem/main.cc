/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem exports persistent memory, puts files into it durably, gets them
 * back, and compares them. A reader begins here and goes on to serve/ or, for
 * the other commands, through lib/client/ to transfer/; the log is that of
 * lib/log/. Only the public API of libfabric and of this provider is used.
 */
#include "bench/bench.hh"
#include "cli/options.hh"
#include "cli/report.hh"
#include "cli/standard_files.hh"
#include "client/configuration.hh"
#include "client/exit_codes.hh"
#include "info/info.hh"
#include "key/key.hh"
#include "log/log.hh"
#include "serve/serve.hh"
#include "serve/status.hh"
#include "torture/torture.hh"
#include "transfer/get.hh"
#include "transfer/put.hh"
#include "transfer/scrub.hh"
#include "transfer/verify.hh"

#include <exception>

namespace
{

using namespace fi_pmem;

/* They are in the order in which --help lists them. */
const std::vector<Command> kCommands{
	{"serve", "export a file or DAX device as a persistent region",
	 RegionAt::own, add_serve, check_serve, run_serve},
	{"put", "copy a local file into a region, durably", RegionAt::peer,
	 add_put, check_put, run_put},
	{"get", "copy a region to a local file", RegionAt::peer, add_get,
	 check_get, run_get},
	{"status", "show what a server serves, and how it does", RegionAt::peer,
	 add_status, check_status, run_status},
	{"verify", "compare a local file with a region, by digests",
	 RegionAt::peer, add_verify, check_verify, run_verify},
	{"scrub", "digest a region, compare with what was saved",
	 RegionAt::peer, add_scrub, check_scrub, run_scrub},
	{"info", "show what durability this host can give", RegionAt::host,
	 add_info, check_info, run_info},
	{"bench", "measure operations on a region; overwrites it",
	 RegionAt::either, add_bench, check_bench, run_bench},
	{"log", "a circular log of records in a region", RegionAt::peer,
	 add_log, check_log, run_log},
	{"key", "make region keys, for --seal-key", RegionAt::host, add_key,
	 check_key, run_key},
	{"torture",
	 "kill a target at random and check what it leaves; overwrites PLACE",
	 RegionAt::either, add_torture, check_torture, run_torture}};

int run_command(const Options &options, Report &report)
{
	/* A bad file of keys is seen before anything is made or changed. */
	if (!options.seal_key.empty()) {
		std::string problem = configuration_problem();
		if (!problem.empty())
			return report.fail(kFailed, "%s", problem.c_str());
	}
	try {
		return options.command->run(options, report);
	} catch (const std::exception &error) {
		return report.fail(kFailed, "%s", error.what());
	}
}

} // namespace

int main(int argc, char **argv)
{
	occupy_standard_files();
	Options options;
	int exit_code = kOk;
	if (!parse_options(argc, argv, kCommands, &options, &exit_code))
		return exit_code;
	Report report(options.name, options.json);
	return report.finish(run_command(options, report));
}
