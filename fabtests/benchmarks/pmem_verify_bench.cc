/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What verification costs, between two real processes: its throughput beside
 * that of reading memory, a commit with FI_PMEM_VERIFY beside one without, and
 * small commits while another endpoint has a large range verified. What is
 * compared alternates in every round; medians of all rounds are told.
 */
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>

#include <CLI/CLI.hpp>

#include "common/initiator.hh"

using namespace pmem_test;

namespace
{

using Clock = std::chrono::steady_clock;
using Samples = std::vector<double>;

struct Arguments {
	Memory memory = Memory::page;
	size_t region_mib = 256;
	size_t rounds = 7;
	size_t commits = 2000; /* in each round */
};

double seconds(const std::function<void()> &work)
{
	auto begin = Clock::now();
	work();
	return std::chrono::duration<double>(Clock::now() - begin).count();
}

/* `share` 0.5 is the median. */
double percentile(Samples samples, double share)
{
	auto last = static_cast<double>(samples.size() - 1);
	auto at = samples.begin() + static_cast<ptrdiff_t>(share * last);
	std::nth_element(samples.begin(), at, samples.end());
	return *at;
}

double median(const Samples &samples)
{
	return percentile(samples, 0.5);
}

/* As fast as one core gets it: four sums, and nothing else to do. */
uint64_t sum(const std::vector<uint64_t> &words)
{
	uint64_t sums[4] = {};
	for (size_t i = 0; i + 4 <= words.size(); i += 4) {
		for (size_t j = 0; j < 4; j++)
			sums[j] += words[i + j];
	}
	return sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
}

class VerifyBench
{
public:
	explicit VerifyBench(const Arguments &arguments)
		: arguments_(arguments), size_(arguments.region_mib << 20),
		  file_(size_), target_(Stack::msg, arguments.memory),
		  region_(target_.add_file(file_.path(), size_)),
		  initiator_(Stack::msg)
	{
		target_.connect(initiator_.node());
		for (size_t at = 0; at < size_; at += kBlock)
			initiator_.write_and_wait(region_, at,
						  pattern(at, kBlock),
						  FI_COMMIT_COMPLETE);
	}

	void throughput();
	void latency();
	void disturbance();

private:
	static constexpr size_t kBlock = 1 << 20;
	/* At once, so that the service need not wait for the next one. */
	static constexpr size_t kVerifications = 4;

	void verify_all(Initiator &initiator, fi_pmem_digest digest,
			const std::function<void()> &idle);
	Samples commits(size_t len, uint64_t flags, size_t count);

	const Arguments arguments_;
	const size_t size_;
	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
};

/* `idle` is called while there is no completion. */
void VerifyBench::verify_all(Initiator &initiator, fi_pmem_digest digest,
			     const std::function<void()> &idle)
{
	size_t part = size_ / kVerifications;
	Bytes digests(size_ / kBlock * FI_PMEM_MAX_DIGEST);
	size_t each = digests.size() / kVerifications;
	fi_context2 contexts[kVerifications];
	for (size_t i = 0; i < kVerifications; i++) {
		fi_rma_iov range{region_.base + i * part, part, region_.key};
		fi_pmem_msg_verify message{
			&range, 1,	initiator.peer(),   &contexts[i],
			digest, kBlock, &digests[i * each], each};
		check(initiator.post([&] {
			return initiator.ops()->verify(initiator.ep(), &message,
						       FI_COMPLETION);
		}),
		      "verify");
	}
	for (size_t done = 0; done < kVerifications;) {
		fi_cq_data_entry entry;
		ssize_t ret = fi_cq_read(initiator.node().cq.get(), &entry, 1);
		if (ret == 1)
			done++;
		else if (ret == -FI_EAGAIN)
			idle();
		else
			check(ret, "fi_cq_read");
	}
}

/* Microseconds of each, one after the other. */
Samples VerifyBench::commits(size_t len, uint64_t flags, size_t count)
{
	LocalBuffer buffer(initiator_.node(), pattern(1, len));
	fi_context2 context{};
	Samples samples;
	for (size_t i = 0; i < count; i++) {
		size_t offset = i * 8192 % (size_ / 2);
		samples.push_back(
			1e6 * seconds([&] {
				initiator_.expect_success(
					initiator_.write(region_, offset,
							 buffer, flags,
							 &context),
					&context);
			}));
	}
	return samples;
}

void VerifyBench::throughput()
{
	struct Row {
		const char *name;
		fi_pmem_digest digest;
		Samples rates;
	};
	std::vector<Row> rows{
		{"crc32c", FI_PMEM_DIGEST_CRC32C, {}},
		{"crc64nvme", FI_PMEM_DIGEST_CRC64_NVME, {}},
		{"crc64ecma", FI_PMEM_DIGEST_CRC64_ECMA, {}},
		{"xxh3", FI_PMEM_DIGEST_XXH3_64, {}},
		{"xxh128", FI_PMEM_DIGEST_XXH3_128, {}},
		{"crc16t10dif", FI_PMEM_DIGEST_CRC16_T10DIF, {}},
		{"sha256", FI_PMEM_DIGEST_SHA256, {}},
	};
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	check(initiator_.post([&] {
		return initiator_.ops()->query(
			initiator_.ep(), initiator_.peer(), region_.key, &attr);
	}),
	      "query");
	std::vector<uint64_t> words(size_ / sizeof(uint64_t), 1);
	Samples read;
	volatile uint64_t result = 0;
	auto bytes = static_cast<double>(size_);
	for (size_t i = 0; i < arguments_.rounds; i++) {
		read.push_back(bytes / seconds([&] { result = sum(words); }));
		for (Row &row : rows) {
			if (!(attr.digests & 1U << row.digest))
				continue;
			row.rates.push_back(bytes / seconds([&] {
						    verify_all(initiator_,
							       row.digest,
							       [] {});
					    }));
		}
	}
	std::printf("Verification of %zu MiB in blocks of 1 MiB, GB/s\n"
		    "%-12s %8s  of reading\n%-12s %8.2f\n",
		    arguments_.region_mib, "", "median", "reading",
		    median(read) / 1e9);
	for (const Row &row : rows) {
		if (row.rates.empty())
			continue;
		double rate = median(row.rates);
		std::printf("%-12s %8.2f  %.2f\n", row.name, rate / 1e9,
			    rate / median(read));
	}
}

void VerifyBench::latency()
{
	std::printf("\nOne commit at a time, microseconds\n"
		    "%8s %10s %10s  ratio\n",
		    "bytes", "commit", "verified");
	for (size_t len : {8, 64, 1024, 4096, 65536}) {
		Samples plain, checked;
		for (size_t i = 0; i < arguments_.rounds; i++) {
			size_t count = arguments_.commits / 4 + 1;
			for (double one :
			     commits(len, FI_COMMIT_COMPLETE, count))
				plain.push_back(one);
			for (double one :
			     commits(len, FI_COMMIT_COMPLETE | FI_PMEM_VERIFY,
				     count))
				checked.push_back(one);
		}
		std::printf("%8zu %10.1f %10.1f  %.2f\n", len, median(plain),
			    median(checked), median(checked) / median(plain));
	}
}

void VerifyBench::disturbance()
{
	Initiator other(Stack::msg);
	target_.connect(other.node());
	Samples idle, busy;
	for (size_t i = 0; i < arguments_.rounds; i++) {
		for (double one :
		     commits(64, FI_COMMIT_COMPLETE, arguments_.commits))
			idle.push_back(one);
		std::atomic<bool> stop{false};
		std::thread verifier([&] {
			/* It waits asleep: the processor is the others'. */
			while (!stop)
				verify_all(other, FI_PMEM_DIGEST_CRC32C,
					   [] { usleep(1000); });
		});
		for (double one :
		     commits(64, FI_COMMIT_COMPLETE, arguments_.commits))
			busy.push_back(one);
		stop = true;
		verifier.join();
	}
	std::printf("\nCommits of 64 bytes, alone and while %zu MiB are "
		    "verified on %u processors, microseconds\n"
		    "%8s %10s %10s  ratio\n",
		    arguments_.region_mib, std::thread::hardware_concurrency(),
		    "", "alone", "beside");
	for (auto [name, share] :
	     {std::pair{"median", 0.5}, std::pair{"p99", 0.99}}) {
		double alone = percentile(idle, share);
		double beside = percentile(busy, share);
		std::printf("%8s %10.1f %10.1f  %.2f\n", name, alone, beside,
			    beside / alone);
	}
}

} // namespace

int main(int argc, char **argv)
{
	Arguments arguments;
	CLI::App app{"What the verification of persistent memory costs."};
	std::map<std::string, Memory> memories{
		{"page", Memory::page},
		{"powerfail", Memory::powerfail},
		{"forced_line", Memory::forced_line},
		{"dax", Memory::dax}};
	app.add_option("--memory", arguments.memory,
		       "page, powerfail, forced_line, dax (default: page)")
		->transform(CLI::CheckedTransformer(memories));
	app.add_option("--size", arguments.region_mib,
		       "MiB that are verified (default: 256)")
		->check(CLI::Range(16, 65536));
	app.add_option("--rounds", arguments.rounds, "(default: 7)")
		->check(CLI::Range(1, 1000));
	app.add_option("--commits", arguments.commits,
		       "in each round (default: 2000)")
		->check(CLI::Range(100, 1000000));
	CLI11_PARSE(app, argc, argv);
	start_launcher();
	try {
		VerifyBench bench(arguments);
		bench.throughput();
		bench.latency();
		bench.disturbance();
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s\n", error.what());
		return 1;
	}
	return 0;
}
