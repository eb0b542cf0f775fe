/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The command line, parsed and range-checked once.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "address.hh"

namespace fi_pmem
{

enum class Command { serve, put, get };

struct Options {
	Command command = Command::serve;
	std::string provider; /* empty: choose */
	bool json = false;
	unsigned timeout_s = 10; /* for connecting */
	unsigned stall_s = 30;	 /* without any completion */

	std::string file;	      /* serve: FILE; put, get: LOCAL */
	std::optional<uint64_t> size; /* serve */
	std::string bind;	      /* serve; empty: every address */
	uint16_t port = kDefaultPort; /* serve; 0: the system chooses */
	bool verbose = false;	      /* serve */

	Address peer;
	uint64_t offset = 0;
	std::optional<uint64_t> length; /* get */
	uint32_t depth = 16;
	size_t block_bytes = 256 * 1024;
	bool commit = true; /* put */
};

/*
 * Reads the command line. Returns true if there is a command to run; otherwise
 * help, version or a usage error has been printed and `*exit_code` is set.
 */
[[nodiscard]] bool parse_options(int argc, char **argv, Options *options,
				 int *exit_code);

} // namespace fi_pmem
