/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * This measures what verification costs between two real processes: its
 * throughput beside that of reading memory, a commit with FI_PMEM_VERIFY beside
 * one without, and small commits while another endpoint has a large range
 * verified. Alternatives take turns in every round; medians of all rounds are
 * reported.
 */
#include "benchmarks/measure.hh"
#include "common/initiator.hh"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdio>
#include <map>
#include <thread>

using namespace pmem_test;

namespace
{

struct Arguments {
	std::vector<Memory> memories;
	size_t region_mib = 256;
	size_t rounds = 7;
	size_t commits = 2000; /* in each round */
};

/* More than any cache that one core reads from holds. */
constexpr size_t kReadBytes = 256 << 20;

/* How a completion is awaited: on the processor, or leaving it to others. */
enum class Wait { polling, asleep };

class VerifyBench
{
public:
	VerifyBench(const Arguments &arguments, Memory memory);

	void throughput();
	void latency();
	void disturbance();

private:
	static constexpr size_t kBlock = 1 << 20;
	/* At once, so that the service need not wait for the next one. */
	static constexpr size_t kVerifications = 4;

	uint32_t digests();
	void verify_all(Initiator &initiator, fi_pmem_digest digest, Wait wait);
	Samples commits(size_t len, uint64_t flags, size_t count);
	Samples commits_beside(const std::function<void()> &work);

	const Arguments arguments_;
	const size_t size_;
	std::vector<uint64_t> words_; /* for sum() */
	volatile uint64_t sum_ = 0;   /* or the compiler would leave it out */
	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
};

VerifyBench::VerifyBench(const Arguments &arguments, Memory memory)
	: arguments_(arguments), size_(arguments.region_mib << 20),
	  words_(kReadBytes / sizeof(uint64_t), 1), file_(size_),
	  target_(Stack::msg, memory),
	  region_(target_.add_file(file_.path(), size_)), initiator_(Stack::msg)
{
	target_.connect(initiator_.node());
	for (size_t at = 0; at < size_; at += kBlock)
		initiator_.write_and_wait(region_, at, pattern(at, kBlock),
					  FI_COMMIT_COMPLETE);
}

/* Bits of those that both sides have. */
uint32_t VerifyBench::digests()
{
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	check(initiator_.post([&] {
		return initiator_.ops()->query(
			initiator_.ep(), initiator_.peer(), region_.key, &attr);
	}),
	      "query");
	return attr.digests;
}

void await_verification(Initiator &initiator, Wait wait)
{
	Completion completion;
	Deadline deadline;
	while (!initiator.completions().poll_one(&completion)) {
		deadline.spin("no completion of a verification");
		if (wait == Wait::asleep)
			usleep(1000);
	}
	check(-completion.err, "completion of a verification");
}

void VerifyBench::verify_all(Initiator &initiator, fi_pmem_digest digest,
			     Wait wait)
{
	size_t blocks = size_ / kBlock;
	size_t each = fi_pmem_digest_length(digest);
	Bytes made(blocks * each);
	fi_context2 contexts[kVerifications];
	for (size_t i = 0; i < kVerifications; i++) {
		size_t begin = i * blocks / kVerifications;
		size_t count = (i + 1) * blocks / kVerifications - begin;
		fi_rma_iov range{region_.base + begin * kBlock, count * kBlock,
				 region_.key};
		fi_pmem_msg_verify message{
			&range, 1,	initiator.peer(),    &contexts[i],
			digest, kBlock, &made[begin * each], count * each};
		check(initiator.post([&] {
			return initiator.ops()->verify(initiator.ep(), &message,
						       FI_COMPLETION);
		}),
		      "verify");
	}
	for (size_t i = 0; i < kVerifications; i++)
		await_verification(initiator, wait);
}

/* Returns the microseconds of each commit, one after the other. */
Samples VerifyBench::commits(size_t len, uint64_t flags, size_t count)
{
	LocalBuffer buffer(initiator_.node(), pattern(1, len));
	fi_context2 context{};
	Samples samples;
	for (size_t i = 0; i < count; i++) {
		size_t offset = i * 8192 % (size_ / 2);
		double begin = now();
		initiator_.expect_success(initiator_.write(region_, offset,
							   buffer, flags,
							   &context),
					  &context);
		samples.push_back(1e6 * (now() - begin));
	}
	return samples;
}

void VerifyBench::throughput()
{
	const std::pair<const char *, fi_pmem_digest> all[] = {
		{"crc32c", FI_PMEM_DIGEST_CRC32C},
		{"crc64nvme", FI_PMEM_DIGEST_CRC64_NVME},
		{"crc64ecma", FI_PMEM_DIGEST_CRC64_ECMA},
		{"xxh3", FI_PMEM_DIGEST_XXH3_64},
		{"xxh128", FI_PMEM_DIGEST_XXH3_128},
		{"crc16t10dif", FI_PMEM_DIGEST_CRC16_T10DIF},
		{"sha256", FI_PMEM_DIGEST_SHA256},
	};
	uint32_t have = digests();
	Rates read, verify[std::size(all)];
	for (size_t round = 0; round < arguments_.rounds; round++) {
		read.measure(kReadBytes, CLOCK_THREAD_CPUTIME_ID,
			     [&] { sum_ = sum(words_); });
		for (size_t i = 0; i < std::size(all); i++) {
			if (!(have & 1U << all[i].second))
				continue;
			verify[i].measure(size_, target_.cpu_clock(), [&] {
				verify_all(initiator_, all[i].second,
					   Wait::polling);
			});
		}
	}
	std::printf("Verification of %zu MiB in blocks of 1 MiB\n"
		    "%-12s %8s  of reading %10s  of reading\n",
		    arguments_.region_mib, "", "GB/s", "GB/CPU s");
	auto row = [&](const char *name, const Rates &rates) {
		double wall = median(rates.wall), cpu = median(rates.cpu);
		std::printf("%-12s %8.2f %11.2f %10.2f %11.2f\n", name,
			    wall / 1e9, wall / median(read.wall), cpu / 1e9,
			    cpu / median(read.cpu));
	};
	row("reading", read);
	for (size_t i = 0; i < std::size(all); i++) {
		if (!verify[i].wall.empty())
			row(all[i].first, verify[i]);
	}
}

void VerifyBench::latency()
{
	std::printf("\nOne commit at a time, microseconds\n"
		    "%8s %10s %10s  ratio\n",
		    "bytes", "commit", "verified");
	for (size_t len : {8, 64, 1024, 4096, 65536}) {
		Samples plain, checked;
		size_t count = arguments_.commits / 4 + 1;
		for (size_t i = 0; i < arguments_.rounds; i++) {
			append(&plain, commits(len, FI_COMMIT_COMPLETE, count));
			append(&checked,
			       commits(len, FI_COMMIT_COMPLETE | FI_PMEM_VERIFY,
				       count));
		}
		std::printf("%8zu %10.1f %10.1f  %.2f\n", len, median(plain),
			    median(checked), median(checked) / median(plain));
	}
}

Samples VerifyBench::commits_beside(const std::function<void()> &work)
{
	Background background(work);
	Samples samples = commits(64, FI_COMMIT_COMPLETE, arguments_.commits);
	background.stop();
	return samples;
}

/*
 * If there are few processors, any third thread disturbs. One that reads memory
 * in this process shows how much of the disturbance is the scheduler's.
 */
void VerifyBench::disturbance()
{
	Initiator other(Stack::msg);
	target_.connect(other.node());
	Samples alone, reading, verifying, verified;
	for (size_t round = 0; round < arguments_.rounds; round++) {
		append(&alone,
		       commits(64, FI_COMMIT_COMPLETE, arguments_.commits));
		append(&reading, commits_beside([&] { sum_ = sum(words_); }));
		size_t bytes = 0;
		double begin = now();
		append(&verifying, commits_beside([&] {
			verify_all(other, FI_PMEM_DIGEST_CRC32C, Wait::asleep);
			bytes += size_;
		}));
		verified.push_back(static_cast<double>(bytes) /
				   (now() - begin));
	}
	std::printf("\nCommits of 64 bytes on %u processors, microseconds\n"
		    "%-17s %8s  of alone %8s  of alone\n",
		    std::thread::hardware_concurrency(), "", "median", "p99");
	auto row = [&](const char *name, const Samples &samples) {
		double p50 = median(samples), p99 = percentile(samples, 0.99);
		std::printf("%-17s %8.1f %9.2f %8.1f %9.2f\n", name, p50,
			    p50 / median(alone), p99,
			    p99 / percentile(alone, 0.99));
	};
	row("alone", alone);
	row("beside reading", reading);
	row("beside verifying", verifying);
	std::printf("(%.2f GB/s were verified meanwhile)\n",
		    median(verified) / 1e9);
}

void run(const Arguments &arguments, Memory memory)
{
	auto here = memories();
	if (std::find(here.begin(), here.end(), memory) == here.end())
		throw std::runtime_error("no such memory here: " +
					 to_string(memory));
	std::printf("%s over %s\n\n", to_string(memory).c_str(),
		    provider_name({}).c_str());
	VerifyBench bench(arguments, memory);
	bench.throughput();
	bench.latency();
	bench.disturbance();
}

} // namespace

int main(int argc, char **argv)
{
	Arguments arguments;
	CLI::App app{"What the verification of persistent memory costs."};
	const std::map<std::string, Memory> names{
		{"page", Memory::page},
		{"powerfail", Memory::powerfail},
		{"forced_line", Memory::forced_line},
		{"dax", Memory::dax}};
	app.add_option("--memory", arguments.memories,
		       "page, powerfail, forced_line, dax; separated by commas "
		       "between (default: page, or what there is)")
		->delimiter(',')
		->transform(CLI::CheckedTransformer(names));
	app.add_option("--size", arguments.region_mib,
		       "MiB that are verified (default: 256)")
		->check(CLI::Range(4, 65536));
	app.add_option("--rounds", arguments.rounds, "(default: 7)")
		->check(CLI::Range(1, 1000));
	app.add_option("--commits", arguments.commits,
		       "in each round (default: 2000)")
		->check(CLI::Range(100, 1000000));
	CLI11_PARSE(app, argc, argv);
	if (arguments.memories.empty()) {
		auto here = memories();
		bool page = std::count(here.begin(), here.end(), Memory::page);
		arguments.memories = {page ? Memory::page : here.front()};
	}
	start_launcher();
	try {
		for (Memory memory : arguments.memories)
			run(arguments, memory);
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s\n", error.what());
		return 1;
	}
	return 0;
}
