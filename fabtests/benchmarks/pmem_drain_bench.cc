/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a drain of scattered writes takes: small writes at random places of a
 * large region and a drain, all of them at once, and half of them twice over.
 * If an initiator cannot remember all that it wrote, the former takes longer.
 */
#include "benchmarks/measure.hh"
#include "common/initiator.hh"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

using namespace pmem_test;

namespace
{

struct Arguments {
	size_t mebibytes = 1024;
	size_t writes = 200;
	size_t bytes = 8;
	size_t rounds = 21;
};

/* Allocates every block, so that only the first write of a test does not. */
void fill(const std::string &path, size_t len)
{
	const Bytes zeros(1 << 20);
	std::ofstream file(path, std::ios::binary | std::ios::in);
	for (size_t done = 0; done < len; done += zeros.size())
		file.write(reinterpret_cast<const char *>(zeros.data()),
			   static_cast<std::streamsize>(zeros.size()));
	file.close();
	int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
	bool synced = file && fd >= 0 && !fsync(fd);
	close(fd);
	if (!synced)
		throw std::runtime_error("cannot fill " + path);
}

class DrainBench
{
public:
	DrainBench(const Arguments &arguments, Memory memory);

	/* Returns the seconds that so many writes and a drain take. */
	double measure(size_t writes);

private:
	uint64_t next_offset() { return random_() % (region_len_ / 64) * 64; }

	const size_t region_len_;
	std::mt19937_64 random_{1};
	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
	LocalBuffer buffer_;
	std::vector<fi_context2> contexts_;
};

DrainBench::DrainBench(const Arguments &arguments, Memory memory)
	: region_len_(arguments.mebibytes << 20), file_(region_len_),
	  target_(Stack::msg, memory), initiator_(Stack::msg),
	  buffer_(initiator_.node(), arguments.bytes),
	  contexts_(arguments.writes + 1)
{
	fill(file_.path(), region_len_);
	region_ = target_.add_file(file_.path(), region_len_);
	target_.connect(initiator_.node());
	measure(1);
}

double DrainBench::measure(size_t writes)
{
	double begin = now();
	for (size_t i = 0; i < writes; i++) {
		uint64_t offset = next_offset();
		check(initiator_.post([&] {
			return initiator_.write(region_, offset, buffer_, 0,
						&contexts_[i]);
		}),
		      "fi_writemsg");
	}
	check(initiator_.drain(region_, &contexts_[writes]), "the drain");
	for (size_t i = 0; i < writes + 1; i++)
		check(-initiator_.completions().wait().err, "a write");
	return now() - begin;
}

void run(const Arguments &arguments, Memory memory, const char *name)
{
	DrainBench bench(arguments, memory);
	Samples once, twice;
	size_t half = arguments.writes / 2;
	for (size_t round = 0; round < arguments.rounds; round++) {
		once.push_back(bench.measure(arguments.writes));
		twice.push_back(bench.measure(half) + bench.measure(half));
	}
	std::printf("%-12s %12.0f %12.0f %8.2f\n", name, 1e6 * median(once),
		    1e6 * median(twice), median(once) / median(twice));
	std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv)
{
	Arguments arguments;
	CLI::App app{"What a drain of scattered writes takes."};
	app.add_option("--size", arguments.mebibytes,
		       "of the region in MiB (default: 1024)")
		->check(CLI::Range(1, 1 << 20));
	app.add_option("--writes", arguments.writes, "(default: 200)")
		->check(CLI::Range(2, 100000));
	app.add_option("--bytes", arguments.bytes, "of a write (default: 8)")
		->check(CLI::Range(1, 64));
	app.add_option("--rounds", arguments.rounds, "(default: 21)")
		->check(CLI::Range(1, 1000));
	CLI11_PARSE(app, argc, argv);
	start_launcher();
	try {
		std::printf("%zu writes of %zu bytes in %zu MiB and a drain, "
			    "or half of them twice over, us, medians of %zu\n"
			    "%-12s %12s %12s %8s\n",
			    arguments.writes, arguments.bytes,
			    arguments.mebibytes, arguments.rounds,
			    "granularity", "once", "twice half", "ratio");
		run(arguments, Memory::forced_line, "cache line");
		run(arguments, Memory::page, "page");
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s\n", error.what());
		return 1;
	}
	return 0;
}
