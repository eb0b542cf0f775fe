/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A command of fi_pmem. main.cc has the table of all of them, and a new one
 * needs a line there and nothing else outside its own folder.
 */
#pragma once

#include <string>

namespace CLI
{
class App;
}

namespace fi_pmem
{

struct Options;
class Report;

/* Where the region is that a command operates on. */
enum class RegionAt {
	own,	/* it serves the region itself */
	peer,	/* at a fi_pmem serve, which the command line names */
	host,	/* at a server of its own, on this host */
	either, /* at a peer if one is named, else on this host */
};

struct Command {
	const char *name;
	const char *help;
	RegionAt region;
	/* `peer` takes HOST[:PORT]; of CLI11 there may be further commands. */
	void (*add_options)(CLI::App *app, Options *options, std::string *peer);
	/*
	 * Checks what no single option can; returns an empty text if all is
	 * well. Also sets what follows from other options.
	 */
	std::string (*check)(Options *options);
	/* Returns an exit code; Report has the result. */
	int (*run)(const Options &options, Report &report);
};

} // namespace fi_pmem
