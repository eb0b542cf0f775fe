/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem log.
 */
#include "cli/option_kinds.hh"
#include "log/log.hh"

#include <map>

namespace fi_pmem
{

namespace
{

using ofi_pmem_log::Order;
using Action = LogOptions::Action;

constexpr uint64_t kMostRecord = 16 << 20;

CLI::App *add_action(CLI::App *log, const char *name, const char *help,
		     Action action, Options *options, std::string *peer)
{
	CLI::App *app = log->add_subcommand(name, help);
	app->parse_complete_callback(
		[options, action] { options->log.action = action; });
	add_peer(app, options, peer);
	add_size(
		app, "--length", options->length,
		"bytes of the region that the log takes (default: to its end)");
	add_common(app, options);
	return app;
}

void add_append(CLI::App *log, Options *options, std::string *peer)
{
	CLI::App *app =
		add_action(log, "append", "append lines, or records of a size",
			   Action::append, options, peer);
	options->file = "-";
	add_positional(app, "FILE", options->file,
		       "what to append (default: -, standard input)");
	app->add_flag("--create", options->log.create,
		      "make a new, empty log there, whatever is there");
	app->add_flag("--takeover", options->log.takeover,
		      "end the access of another writer first");
	app->add_flag("--drop-oldest", options->log.drop_oldest,
		      "make room by retiring the oldest records");
	add_size(app, "--record", options->log.record_bytes,
		 "records of this size (default: a record is a line)");
	add_size(app, "--max-record", options->log.writer.max_record,
		 "longest line (default: 64K)");
	add_number(app, "--depth", options->log.writer.depth,
		   "records in flight (default: 64)", 1, 65536);
	const std::map<std::string, Order> orders{
		{"target", Order::target},
		{"initiator", Order::initiator},
		{"lazy", Order::lazy}};
	add_choice(app, "--order", options->log.writer.order, orders,
		   "how the pointer comes after its record: target, initiator "
		   "or lazy (default: target)",
		   "ORDER");
}

void add_tail(CLI::App *log, Options *options, std::string *peer)
{
	CLI::App *app = add_action(log, "tail", "print the last records",
				   Action::tail, options, peer);
	add_number(app, "-n,--lines", options->log.lines,
		   "how many (default: 10)");
	app->add_flag("-f,--follow", options->log.follow,
		      "go on with those that are appended");
}

void add_bench(CLI::App *log, Options *options, std::string *peer)
{
	CLI::App *app = add_action(
		log, "bench",
		"measure appends by each order; overwrites the region",
		Action::bench, options, peer);
	add_numbers(app, "--sizes", options->log.sizes,
		    "bytes of a record, separated by commas (default: "
		    "64,1024,4096)",
		    1, kMostRecord);
	add_numbers(app, "--depths", options->log.depths,
		    "records in flight, separated by commas (default: 1,16)", 1,
		    4096);
	add_number(app, "--count", options->log.count,
		   "records in each measurement (default: 500)", 10, 1000000);
	add_number(app, "--rounds", options->log.rounds,
		   "measurements of each, interleaved (default: 5)", 1, 1000);
	add_force(app, options, "overwrite the region of PEER");
}

} // namespace

void add_log(CLI::App *log, Options *options, std::string *peer)
{
	log->require_subcommand(1);
	add_append(log, options, peer);
	add_tail(log, options, peer);
	add_action(log, "dump", "print what the log is and all its records",
		   Action::dump, options, peer);
	add_bench(log, options, peer);
}

std::string check_log(Options *options)
{
	std::string problem = check_length(*options);
	if (!problem.empty())
		return problem;
	const LogOptions &log = options->log;
	if (!log.writer.max_record)
		return "--max-record: must be 1 or more";
	if (log.action == Action::bench && !options->force)
		return "log bench overwrites the region of PEER: --force "
		       "allows it";
	return "";
}

} // namespace fi_pmem
