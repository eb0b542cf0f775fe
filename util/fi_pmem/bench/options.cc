/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem bench.
 */
#include "bench/bench.hh"
#include "bench/floor.hh"
#include "bench/plot.hh"
#include "bench/side.hh"
#include "cli/option_kinds.hh"

#include <algorithm>

namespace fi_pmem
{

namespace
{

constexpr uint64_t kMostBytes = 16 << 20;

} // namespace

void add_bench(CLI::App *bench, Options *options, std::string *peer)
{
	BenchOptions &chosen = options->bench;
	for (BenchOp op : kBenchOps)
		chosen.operations.emplace_back(bench_op_name(op));
	add_positional(bench, "PEER", *peer,
		       "HOST[:PORT] where fi_pmem serve listens (default: one "
		       "of its own)");
	std::vector<std::string> known = chosen.operations;
	bench->add_option("--ops", chosen.operations,
			  "what to measure, separated by commas (default: " +
				  join_words(known) + ")")
		->delimiter(',')
		->check([known](const std::string &text) {
			return check_word(text, known);
		})
		->option_text("OP,...");
	add_numbers(bench, "--sizes", chosen.sizes,
		    "bytes, separated by commas (default: 8,64,512,4096,65536)",
		    1, kMostBytes);
	add_numbers(bench, "--depths", chosen.depths,
		    "operations in flight, separated by commas (default: 1,16)",
		    1, 256);
	add_number(bench, "--count", chosen.count,
		   "operations in each measurement (default: 500)", 10,
		   1000000);
	add_size(bench, "--max-bytes", chosen.max_bytes,
		 "bytes of a measurement, which does fewer operations rather "
		 "than write more, but at least one (default: 256M)");
	add_number(bench, "--rounds", chosen.rounds,
		   "measurements of each, interleaved (default: 5)", 1, 1000);
	add_name(bench, "--against", chosen.against,
		 "measure this provider beside it", "PROVIDER");
	std::vector<std::string> floors{kFloorSleep, kFloorSpin, kFloorSync,
					kNoFloor};
	bench->add_option("--floor", chosen.floors,
			  "measure a bare TCP target beside it, which sleeps "
			  "or polls, or one fdatasync for all writes in "
			  "flight: " +
				  join_words(floors) +
				  " (default: sleep,spin if the medium is "
				  "flushed by cache lines, else sync)")
		->delimiter(',')
		->check([floors](const std::string &text) {
			return check_word(text, floors);
		})
		->option_text("KIND,...");
	add_name(bench, "--plot", chosen.plot,
		 "draw the medians in the format of its name: .svg or .png by "
		 "gnuplot, or .gnuplot for the script of that",
		 "FILE");
	add_name(bench, "--place", options->place,
		 "directory, file or device DAX for its own server (default: "
		 ".)",
		 "PLACE");
	add_force(bench, options,
		  "overwrite the region of PEER, or what is there as PLACE or "
		  "plot");
	bench->add_flag("--poll", options->bench.poll,
			"poll for completions instead of sleeping until one "
			"comes");
	bench->add_flag("--spin", options->spin,
			"its own servers poll without sleeping");
	add_name(bench, "--bind", options->bind,
		 "address of its own server (default: 127.0.0.1)", "ADDR");
	add_rdm(bench, options);
	add_seal_key(bench, options);
	add_region(bench, options);
	add_size(bench, "--offset", options->offset,
		 "where to begin in the region (default: 0)");
	add_limits(bench, options,
		   "seconds without any completion after which it fails "
		   "(default: 30)");
	add_common(bench, options);
}

std::string check_bench(Options *options)
{
	const BenchOptions &bench = options->bench;
	if (!options->local && !options->force)
		return "bench overwrites the region of PEER: --force allows it";
	if (!bench.max_bytes)
		return "--max-bytes: must be 1 or more";
	if (options->local && options->region)
		return "--region needs PEER: a server of its own has one only";
	if (!options->local && !bench.against.empty())
		return "--against needs servers of its own: leave PEER out";
	bool none = std::count(bench.floors.begin(), bench.floors.end(),
			       kNoFloor) != 0;
	if (none && bench.floors.size() > 1)
		return "--floor: none goes with no other kind";
	if (!options->local && !bench.floors.empty() && !none)
		return "--floor needs servers of its own: leave PEER out";
	if (!bench.plot.empty() && !Plot::format_of(bench.plot))
		return "--plot: '" + bench.plot +
		       "' does not end in the name of a format, which is one "
		       "of " +
		       Plot::formats();
	return "";
}

} // namespace fi_pmem
