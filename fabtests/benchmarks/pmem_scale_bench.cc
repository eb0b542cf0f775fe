/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Many channels on one target: how fast they connect, what memory each takes in
 * the target and in the initiator, and how many commits a second go over all of
 * them, beside one channel's: with as many in flight as on that one, and with
 * as many on each. One process of each side; an endpoint has a channel of its
 * own, which connects with its first commit.
 */
#include "benchmarks/measure.hh"
#include "common/initiator.hh"

#include <CLI/CLI.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>

using namespace pmem_test;

namespace
{

struct Arguments {
	std::vector<size_t> channels{1, 10, 100, 1000};
	size_t depth = 64;
	size_t bytes = 64;
	size_t commits = 20000;
	size_t rounds = 5;
};

/* Resident bytes, proc(5) statm. */
double resident(pid_t pid)
{
	std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
	double size = 0, pages = 0;
	statm >> size >> pages;
	return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

class ScaleBench
{
public:
	ScaleBench(const Arguments &arguments, size_t channels);

	/* Connects everything; reports what each channel took. */
	void connect();

	/*
	 * Returns commits per second over the first `channels`, with this many
	 * in flight on all of them together.
	 */
	double rate(size_t channels, size_t in_flight);

private:
	static constexpr size_t kRegion = 64 << 20;

	void commit(size_t channel, uint64_t index, fi_context2 *context);
	void commit_on_all();

	const Arguments arguments_;
	const size_t channels_;
	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
	LocalBuffer buffer_;
};

ScaleBench::ScaleBench(const Arguments &arguments, size_t channels)
	: arguments_(arguments), channels_(channels), file_(kRegion),
	  target_(Stack::msg, Memory::forced_line),
	  region_(target_.add_file(file_.path(), kRegion)),
	  initiator_(Stack::msg), buffer_(initiator_.node(), arguments.bytes)
{
}

void ScaleBench::commit(size_t channel, uint64_t index, fi_context2 *context)
{
	iovec local{buffer_.data(), buffer_.size()};
	void *desc = buffer_.desc();
	size_t step = (buffer_.size() + 63) / 64 * 64;
	fi_rma_iov remote{region_.base + index % (kRegion / step) * step,
			  buffer_.size(), region_.key};
	fi_msg_rma message{&local,  &desc, 1,	    FI_ADDR_UNSPEC,
			   &remote, 1,	   context, 0};
	fid_ep *ep = initiator_.node().eps[channel].get();
	check(initiator_.post([&] {
		return fi_writemsg(ep, &message, FI_COMMIT_COMPLETE);
	}),
	      "fi_writemsg");
}

void ScaleBench::commit_on_all()
{
	for (size_t i = 0; i < channels_; i++) {
		fi_context2 context{};
		commit(i, i, &context);
		check(-initiator_.completions().wait().err, "commit");
	}
}

void ScaleBench::connect()
{
	double before = resident(target_.pid()), begin = now();
	for (size_t i = 0; i < channels_; i++)
		target_.connect(initiator_.node());
	double endpoints = now() - begin;
	double target = resident(target_.pid()), own = resident(getpid());
	begin = now();
	commit_on_all();
	double connected = now() - begin;
	auto count = static_cast<double>(channels_);
	std::printf("%8zu %12.0f %12.1f %12.0f %12.1f %12.1f", channels_,
		    count / endpoints, (target - before) / count / 1024,
		    count / connected,
		    (resident(target_.pid()) - target) / count / 1024,
		    (resident(getpid()) - own) / count / 1024);
}

/*
 * Each context is for one channel, so what is in flight stays spread over them.
 * If there are more channels than contexts, they take turns.
 */
double ScaleBench::rate(size_t channels, size_t in_flight)
{
	constexpr size_t kLeastTurns = 4; /* what is in flight goes so often */
	std::vector<fi_context2> contexts(in_flight);
	std::deque<fi_context2 *> idle;
	for (fi_context2 &context : contexts)
		idle.push_back(&context);
	size_t commits = std::max(arguments_.commits, kLeastTurns * in_flight);
	CompletionQueue &queue = initiator_.completions();
	double begin = now();
	for (size_t posted = 0, done = 0; done < commits;) {
		while (!idle.empty() && posted < commits) {
			auto index = static_cast<size_t>(idle.front() -
							 contexts.data());
			size_t next = channels > in_flight ? posted : index;
			commit(next % channels, posted, idle.front());
			idle.pop_front();
			posted++;
		}
		Completion completion = queue.wait();
		do {
			check(-completion.err, "commit");
			idle.push_back(
				static_cast<fi_context2 *>(completion.context));
			done++;
		} while (queue.take(&completion));
	}
	return static_cast<double>(commits) / (now() - begin);
}

void run(const Arguments &arguments)
{
	std::printf("%s, commits of %zu bytes, %zu in flight on all or on "
		    "each, %zu rounds\n"
		    "%8s %12s %12s %12s %12s %12s %12s %12s %8s %12s %8s\n",
		    provider_name({}).c_str(), arguments.bytes, arguments.depth,
		    arguments.rounds, "channels", "endpoints/s", "target KiB",
		    "channels/s", "target KiB", "own KiB", "one, 1/s",
		    "on all, 1/s", "of one", "on each, 1/s", "of one");
	for (size_t channels : arguments.channels) {
		ScaleBench bench(arguments, channels);
		bench.connect();
		Samples one, all, each;
		size_t depth = arguments.depth;
		for (size_t round = 0; round < arguments.rounds; round++) {
			one.push_back(bench.rate(1, depth));
			all.push_back(bench.rate(channels, depth));
			each.push_back(bench.rate(channels, channels * depth));
		}
		std::printf(" %12.0f %12.0f %8.2f %12.0f %8.2f\n", median(one),
			    median(all), median(all) / median(one),
			    median(each), median(each) / median(one));
		std::fflush(stdout);
	}
}

} // namespace

int main(int argc, char **argv)
{
	Arguments arguments;
	CLI::App app{"What many channels on one target take and give."};
	app.add_option("--channels", arguments.channels,
		       "separated by commas (default: 1,10,100,1000)")
		->delimiter(',')
		->check(CLI::Range(1, 10000));
	app.add_option("--depth", arguments.depth,
		       "commits in flight, on all channels together and on "
		       "each of them (default: 64)")
		->check(CLI::Range(1, 1024));
	app.add_option("--bytes", arguments.bytes, "of a commit (default: 64)")
		->check(CLI::Range(1, 1 << 20));
	app.add_option("--commits", arguments.commits,
		       "in each round, at least (default: 20000)")
		->check(CLI::Range(1, 10000000));
	app.add_option("--rounds", arguments.rounds, "(default: 5)")
		->check(CLI::Range(1, 1000));
	CLI11_PARSE(app, argc, argv);
	rlimit files{};
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	start_launcher();
	try {
		run(arguments);
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s\n", error.what());
		return 1;
	}
	return 0;
}
