/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem bench.
 */
#include "option_kinds.hh"

#include "bench_side.hh"

namespace fi_pmem
{

CLI::App *add_benchmark(CLI::App *app, Options *options, std::string *peer)
{
	CLI::App *bench = app->add_subcommand(
		"bench", "measure operations on a region; overwrites it");
	BenchOptions &chosen = options->bench;
	for (BenchOp op : kBenchOps)
		chosen.operations.emplace_back(bench_op_name(op));
	bench->add_option("PEER", *peer,
			  "HOST[:PORT] where fi_pmem serve listens (default: "
			  "one of its own)")
		->type_name("");
	bench->add_option("--ops", chosen.operations,
			  "what is measured, several with commas (default: " +
				  CLI::detail::join(chosen.operations, ",") +
				  ")")
		->delimiter(',')
		->check(CLI::IsMember(chosen.operations))
		->option_text("OP,...");
	add_numbers(bench, "--sizes", chosen.sizes,
		    "bytes, several with commas (default: "
		    "8,64,512,4096,65536)");
	add_numbers(bench, "--depths", chosen.depths,
		    "operations in flight, several with commas (default: "
		    "1,16)");
	add_number(bench, "--count", chosen.count,
		   "operations in each measurement (default: 500)")
		->check(CLI::Range(10, 1000000));
	add_number(bench, "--rounds", chosen.rounds,
		   "measurements of each, interleaved (default: 5)")
		->check(CLI::Range(1, 1000));
	bench->add_option("--against", chosen.against,
			  "measure this provider beside it")
		->option_text("PROVIDER");
	bench->add_option("--plot", chosen.plot,
			  "draw the medians by gnuplot, as SVG")
		->option_text("FILE");
	bench->add_option("--place", options->place,
			  "directory, file or device DAX for its own server "
			  "(default: .)")
		->option_text("PLACE");
	add_force(bench, options,
		  "overwrite the region of PEER, or a file or device named as "
		  "PLACE");
	bench->add_flag("--spin", options->spin,
			"its own servers poll without sleeping");
	bench->add_option("--bind", options->bind,
			  "address of its own server (default: 127.0.0.1)")
		->option_text("ADDR");
	add_rdm(bench, options);
	add_size(bench, "--offset", options->offset,
		 "where in the region to begin (default: 0)");
	add_number(bench, "--timeout", options->timeout_s,
		   "seconds after which connecting fails (default: 10)")
		->check(CLI::Range(1, 86400));
	add_number(bench, "--stall", options->stall_s,
		   "seconds without any completion after which it fails "
		   "(default: 30)")
		->check(CLI::Range(1, 86400));
	add_common(bench, options);
	return bench;
}

std::string check_bench(const Options &options)
{
	constexpr size_t kMostBytes = 16 << 20;
	const BenchOptions &bench = options.bench;
	if (outside(bench.sizes, kMostBytes))
		return "--sizes: each must be 1 to 16777216";
	if (outside(bench.depths, 256))
		return "--depths: each must be 1 to 256";
	if (!options.local && !options.force)
		return "bench overwrites the region of PEER: --force allows it";
	if (!options.local && !bench.against.empty())
		return "--against needs servers of its own: leave PEER out";
	return "";
}

} // namespace fi_pmem
