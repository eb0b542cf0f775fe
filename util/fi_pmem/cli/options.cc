/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The command line by CLI11, whose exceptions end here. A usage error under
 * --json is a JSON object as every other error is.
 */
#include "config.h"

#include "cli/options.hh"

#include "cli/option_kinds.hh"
#include "cli/report.hh"
#include "cli/usage.hh"
#include "client/exit_codes.hh"
#include "client/fabric.hh"
#include "client/seal.hh"

#include <rdma/fabric.h>

#include <iostream>
#include <string_view>

namespace fi_pmem
{

namespace
{

std::string version_text()
{
	uint32_t fabric = fi_version();
	return std::string("fi_pmem " PACKAGE_VERSION " (libfabric ") +
	       std::to_string(FI_MAJOR(fabric)) + "." +
	       std::to_string(FI_MINOR(fabric)) + ")";
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

/* Returns an empty text if all is well. */
std::string use_seal_key(const Options &options)
{
	if (options.seal_key.empty())
		return "";
	if (!has_ofi_pmem(options.provider))
		return "--seal-key needs ofi_pmem, which provider '" +
		       options.provider + "' does not have";
	std::string problem = require_seal(options.seal_key);
	return problem.empty() ? "" : "--seal-key: " + problem;
}

/*
 * Checks what follows from the command; returns an empty text if all is well.
 */
std::string complete(const std::string &peer, Options *options)
{
	RegionAt region = options->command->region;
	options->local = region == RegionAt::host ||
			 (region == RegionAt::either && peer.empty());
	if (options->local && options->bind.empty())
		options->bind = "127.0.0.1";
	if (region != RegionAt::own && !options->local &&
	    !parse_address(peer, &options->peer))
		return "'" + peer +
		       "' is not HOST[:PORT]; PORT is 1 to 65535, and an IPv6 "
		       "address before it needs brackets";
	std::string problem = options->command->check(options);
	return problem.empty() ? use_seal_key(*options) : problem;
}

const Command *find_command(const std::vector<Command> &commands,
			    const std::string &name)
{
	for (const Command &one : commands) {
		if (one.name == name)
			return &one;
	}
	return nullptr;
}

} // namespace

bool parse_options(int argc, char **argv, const std::vector<Command> &commands,
		   Options *options, int *exit_code)
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
	for (const Command &one : commands)
		one.add_options(app.add_subcommand(one.name, one.help), options,
				&peer);
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
	options->command = find_command(
		commands, app.get_subcommands().front()->get_name());
	std::string problem = complete(peer, options);
	if (problem.empty())
		return true;
	*exit_code = usage_error(argc, argv, options->name, problem);
	return false;
}

} // namespace fi_pmem
