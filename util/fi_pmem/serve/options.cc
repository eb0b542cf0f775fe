/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem serve and status.
 */
#include "cli/option_kinds.hh"
#include "serve/serve.hh"
#include "serve/status.hh"

namespace fi_pmem
{

void add_serve(CLI::App *app, Options *options, std::string *)
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
	add_seal_key(app, options);
	app->add_flag("-v,--verbose", options->verbose,
		      "report clients on standard error");
	add_common(app, options);
}

std::string check_serve(Options *options)
{
	if (options->size && !*options->size)
		return "--size: must be 1 or more";
	if (options->data_port && options->data_port == options->port)
		return "--port and --data-port must differ";
	return "";
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

std::string check_status(Options *)
{
	return "";
}

} // namespace fi_pmem
