/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem: export persistent memory, put files into it durably, get them back,
 * compare them. A reader begins here, goes on to serve.cc and, for the others,
 * through connection.cc to transfer.cc; the log is that of util/log. Only the
 * public API of libfabric and of this provider is used.
 */
#include <exception>

#include "bench.hh"
#include "exit_codes.hh"
#include "get.hh"
#include "info.hh"
#include "log.hh"
#include "options.hh"
#include "put.hh"
#include "report.hh"
#include "scrub.hh"
#include "serve.hh"
#include "standard_files.hh"
#include "status.hh"
#include "torture.hh"
#include "verify.hh"

namespace
{

using namespace fi_pmem;

int run_command(const Options &options, Report &report)
{
	try {
		switch (options.command) {
		case Command::serve:
			return Server(options, report).run();
		case Command::status:
			return run_status(options, report);
		case Command::put:
			return run_put(options, report);
		case Command::log:
			return run_log(options, report);
		case Command::verify:
			return run_verify(options, report);
		case Command::scrub:
			return run_scrub(options, report);
		case Command::info:
			return run_info(options, report);
		case Command::bench:
			return run_benchmark(options, report);
		case Command::torture:
			return run_torture(options, report);
		default:
			return run_get(options, report);
		}
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
	if (!parse_options(argc, argv, &options, &exit_code))
		return exit_code;
	Report report(options.name, options.json);
	return report.finish(run_command(options, report));
}
