/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem info.
 */
#include "cli/option_kinds.hh"
#include "info/info.hh"

namespace fi_pmem
{

void add_info(CLI::App *app, Options *options, std::string *)
{
	add_positional(app, "PLACE", options->place,
		       "directory or device DAX to try");
	add_name(app, "--bind", options->bind,
		 "address to try it at, one of this host (default: 127.0.0.1)",
		 "ADDR");
	add_seal_key(app, options);
	add_timeout(app, options,
		    "seconds after which trying fails (default: 10)");
	add_common(app, options);
}

std::string check_info(Options *options)
{
	return options->place.empty() ? "" : check_ofi_pmem(*options);
}

} // namespace fi_pmem
