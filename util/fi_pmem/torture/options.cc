/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem torture.
 */
#include "cli/option_kinds.hh"
#include "torture/plan.hh"
#include "torture/torture.hh"

#include <random>
#include <utility>

namespace fi_pmem
{

namespace
{

constexpr std::pair<const char *, TortureFault> kFaults[] = {
	{"kill-target", kKillTarget},
	{"stop-target", kStopTarget},
	{"kill-initiator", kKillInitiator},
	{"freeze-target", kFreezeTarget}};

void add_plan_options(CLI::App *app, TortureParameters &parameters)
{
	add_number(app, "--seed", parameters.seed,
		   "of the first run; the next ones follow (default: random)");
	add_number(app, "--initiators", parameters.initiators,
		   "processes that operate at once (default: 3)");
	add_number(app, "--rounds", parameters.rounds,
		   "times that a run starts and ends the target (default: 2)");
	add_number(app, "--ops", parameters.ops,
		   "operations of an initiator in a round (default: 60)");
	add_size(app, "--size", parameters.size,
		 "bytes of the region, from its beginning (default: 1M)");
	std::vector<std::string> names;
	for (const auto &fault : kFaults)
		names.emplace_back(fault.first);
	std::vector<std::string> known = names;
	known.emplace_back("none");
	app->add_option_function<std::vector<std::string>>(
		   "--faults",
		   [&parameters](const std::vector<std::string> &chosen) {
			   parameters.faults = 0;
			   for (const auto &[name, bit] : kFaults)
				   for (const std::string &one : chosen)
					   if (one == name)
						   parameters.faults |= bit;
		   },
		   "what is done to them, separated by commas, or none "
		   "(default: " +
			   join_words(names) + ")")
		->delimiter(',')
		->check([known](const std::string &text) {
			return check_word(text, known);
		})
		->option_text("FAULT,...");
}

void add_run_options(CLI::App *app, TortureOptions &torture)
{
	add_number(app, "--runs", torture.runs, "runs (default: 100)", 1,
		   1000000000);
	add_number(app, "--seconds", torture.seconds,
		   "begin no run after this time");
	app->add_flag("--powerfail", torture.powerfail,
		      "the death of the target is a simulated power failure");
	app->add_flag("--keep-going", torture.keep_going,
		      "go on after a run that fails");
	app->add_flag("--shrink", torture.shrink,
		      "make the plan of a failing run smaller");
	app->add_option_function<std::string>(
		   "--keep",
		   [&torture](const std::string &text) {
			   static_cast<void>(torture.keep.parse(text));
		   },
		   "only these operations of the plan")
		->check([](const std::string &text) -> std::string {
			return NumberSet().parse(text)
				       ? ""
				       : "'" + text +
						 "' is not a list such as "
						 "3,7-9, in ascending order";
		})
		->option_text("N,...");
	app->add_flag("--plan", torture.plan,
		      "show the plan of the first run, and run nothing");
}

} // namespace

std::string fault_names(uint32_t faults)
{
	std::string text;
	for (const auto &[name, bit] : kFaults) {
		if (faults & bit)
			text += (text.empty() ? "" : ",") + std::string(name);
	}
	return text.empty() ? "none" : text;
}

void add_torture(CLI::App *command, Options *options, std::string *peer)
{
	TortureOptions &torture = options->torture;
	torture.parameters.seed = std::random_device{}();
	add_positional(command, "PLACE", options->place,
		       "directory, file or DAX device for the region");
	add_plan_options(command, torture.parameters);
	add_run_options(command, torture);
	add_name(command, "--target", *peer,
		 "operate on this fi_pmem serve, which you end yourself",
		 "HOST[:PORT]");
	add_name(command, "--journal", torture.journal,
		 "with --target: what was issued and acknowledged", "FILE");
	add_name(command, "--check", torture.check,
		 "check PLACE against this journal", "JOURNAL");
	add_force(command, options,
		  "overwrite PLACE, the region of --target, or --journal");
	add_name(command, "--bind", options->bind,
		 "address of its own target (default: 127.0.0.1)", "ADDR");
	add_rdm(command, options);
	add_seal_key(command, options);
	add_region(command, options);
	add_limits(command, options,
		   "seconds without any completion that are a hang (default: "
		   "30)");
	add_common(command, options);
}

std::string check_torture(Options *options)
{
	TortureOptions &torture = options->torture;
	bool remote = !options->local;
	bool checks = !torture.check.empty();
	std::string problem = check_ofi_pmem(*options);
	if (!problem.empty())
		return problem;
	if (!remote && options->region)
		return "--region needs --target: a target of its own has one "
		       "region only";
	if (remote && checks)
		return "--check and --target exclude each other";
	if (remote && !options->force && !torture.plan)
		return "torture overwrites the region of --target: --force "
		       "allows it";
	if (remote == torture.journal.empty() && !torture.plan)
		return remote ? "--target needs --journal FILE"
			      : "--journal needs --target HOST[:PORT]";
	if (options->place.empty() && !remote && !torture.plan)
		return "PLACE is missing: fi_pmem torture PLACE";
	if (remote && !options->place.empty())
		return "PLACE is not for --target, which has its own";
	if (remote) {
		torture.parameters.format = true;
		torture.parameters.rounds = 1;
		torture.parameters.faults = 0;
	} else {
		/* Endpoints with connections have none. */
		torture.parameters.atomics = options->rdm;
		options->caps = options->rdm ? FI_ATOMIC : 0;
	}
	return check_parameters(torture.parameters);
}

} // namespace fi_pmem
