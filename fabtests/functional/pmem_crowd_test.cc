/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Many at one target: strangers that connect to its port as fast as they can,
 * channels that come and go, an initiator that stops reading, and a crowd that
 * commits at the same time. All are served, what they wrote is there, and the
 * target keeps nothing for those that are gone.
 *
 * PMEM_CROWD (20) initiators for PMEM_CROWD_SECONDS (3), PMEM_CONNECTS (2000)
 * connections of strangers; 200, 300 and 10000 are what to try by hand. From a
 * minute on the crowd's commits must be shared out within a factor of two.
 */
#include "benchmarks/measure.hh"
#include "common/initiator.hh"
#include "common/random.hh"
#include "common/stranger.hh"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace pmem_test;

namespace
{

constexpr size_t kSlot = 4096;
constexpr size_t kRegionLen = 1024 * kSlot;
constexpr size_t kCommit = 64;

/* The limit that many sockets need; inherited by the launcher's children. */
const bool raised = [] {
	rlimit files{};
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	return !setrlimit(RLIMIT_NOFILE, &files);
}();

/* The memory of a sanitizer grows, and what it slows down is closed late. */
#ifdef __has_feature /* of clang and gcc 14 */
constexpr bool kSanitized =
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/* Says what a process uses, from proc(5). */
struct Usage {
	explicit Usage(pid_t pid)
	{
		std::string proc = "/proc/" + std::to_string(pid);
		descriptors = entries(proc + "/fd");
		threads = entries(proc + "/task");
		std::ifstream statm(proc + "/statm");
		long size = 0;
		statm >> size >> resident_kib;
		resident_kib *= sysconf(_SC_PAGESIZE) / 1024;
	}
	static long entries(const std::string &directory)
	{
		std::filesystem::directory_iterator all(directory);
		return std::distance(begin(all), end(all));
	}
	void print(const char *when) const
	{
		printf("%s: %ld descriptors, %ld threads, %ld KiB\n", when,
		       descriptors, threads, resident_kib);
	}

	long descriptors = 0;
	long threads = 0;
	long resident_kib = 0;
};

class PmemCrowd : public testing::Test
{
protected:
	PmemCrowd()
		: file_(kRegionLen), target_(Stack::msg, Memory::page),
		  region_(target_.add_file(file_.path(), kRegionLen)),
		  witness_(Stack::msg)
	{
		target_.connect(witness_.node());
		expect_service();
	}

	void expect_service()
	{
		Bytes wanted = pattern(++writes_, 300);
		witness_.write_and_wait(region_, 17, wanted,
					FI_COMMIT_COMPLETE);
		EXPECT_EQ(difference(file_.read(17, 300), wanted), "");
	}

	/*
	 * When everything under way has been closed, `pid` has this many again;
	 * the service, which would sleep, is kept awake.
	 */
	void expect_descriptors(pid_t pid, long wanted)
	{
		Deadline deadline;
		while (Usage(pid).descriptors > wanted && !deadline.passed())
			expect_service();
		EXPECT_LE(Usage(pid).descriptors, wanted);
	}

	/*
	 * Calls `visit` in two halves; the second may not leave the process
	 * with more than the first did.
	 */
	template <typename Visit>
	void expect_no_growth(pid_t pid, size_t visits, Visit visit)
	{
		Usage before(pid);
		before.print("before");
		for (size_t i = 0; i < visits / 2; i++)
			visit(i);
		expect_descriptors(pid, before.descriptors);
		Usage half(pid);
		half.print("after the first half");
		for (size_t i = visits / 2; i < visits; i++)
			visit(i);
		expect_descriptors(pid, before.descriptors);
		Usage all(pid);
		all.print("after the second");
		EXPECT_EQ(all.threads, before.threads);
		/*
		 * Each visit leaves less than a line; an allocator's arena may
		 * still grow by some pages.
		 */
		long limit = 512 + static_cast<long>(visits / 2) * 64 / 1024;
		EXPECT_LT(all.resident_kib - half.resident_kib, limit);
	}

	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator witness_;
	uint64_t writes_ = 0;
};

TEST_F(PmemCrowd, StrangersComeAndGo)
{
	if (kSanitized)
		GTEST_SKIP() << "under a sanitizer";
	Random random(23);
	auto begin = std::chrono::steady_clock::now();
	size_t connects = env_number("PMEM_CONNECTS", 2000);
	expect_no_growth(target_.pid(), connects, [&](size_t i) {
		Stranger stranger(region_.service_port());
		ASSERT_TRUE(stranger.connected());
		if (i % 4 == 1)
			stranger.send(pattern(i, random.between(1, 200)));
		if (i % 4 == 2)
			stranger.reset_on_close();
		if (i % 100 == 0)
			expect_service();
	});
	std::chrono::duration<double> taken =
		std::chrono::steady_clock::now() - begin;
	printf("%.0f connections a second\n",
	       static_cast<double>(connects) / taken.count());
	expect_service();
}

/* Initiators that have a channel keep it, and nobody spins. */
TEST_F(PmemCrowd, SilentStrangersTakeAllDescriptors)
{
	Usage before(target_.pid());
	auto most = static_cast<rlim_t>(before.descriptors) + 20;
	rlimit few{most, most};
	ASSERT_EQ(prlimit(target_.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
	std::deque<Stranger> silent;
	for (int i = 0; i < 100; i++) {
		silent.emplace_back(region_.service_port());
		ASSERT_TRUE(silent.back().connected());
		expect_service();
	}
	Usage meanwhile(target_.pid());
	meanwhile.print("without descriptors");
	EXPECT_LT(meanwhile.descriptors, before.descriptors + 100);
	double used = now(target_.cpu_clock());
	std::this_thread::sleep_for(std::chrono::milliseconds(500));
	used = now(target_.cpu_clock()) - used;
	printf("of 500 ms %.0f ms of a processor\n", used * 1000);
	EXPECT_LT(used, 0.2);
	expect_service();
	silent.clear();
	expect_descriptors(target_.pid(), before.descriptors);
	Initiator late(Stack::msg);
	target_.connect(late.node());
	late.write_and_wait(region_, 0, pattern(1, 64), FI_COMMIT_COMPLETE);
}

/* A channel of its own for each commit. */
TEST_F(PmemCrowd, ChannelsComeAndGo)
{
	if (kSanitized)
		GTEST_SKIP() << "under a sanitizer";
	RegionFile file(kSlot);
	Target target(Stack::rdm, Memory::page);
	RemoteRegion region = target.add_file(file.path(), kSlot);
	Initiator initiator(Stack::rdm);
	auto visit = [&](size_t i) {
		target.connect(initiator.node());
		initiator.write_and_wait(region, 0, pattern(i, kCommit),
					 FI_COMMIT_COMPLETE);
		fi_addr_t peer = initiator.peer();
		check(fi_av_remove(initiator.node().av.get(), &peer, 1, 0),
		      "fi_av_remove");
	};
	visit(0);
	/* The last one's end need not have been seen. */
	Usage own(getpid());
	size_t visits = env_number("PMEM_CONNECTS", 2000) / 4;
	auto begin = std::chrono::steady_clock::now();
	expect_no_growth(target.pid(), visits, visit);
	std::chrono::duration<double> taken =
		std::chrono::steady_clock::now() - begin;
	printf("%.0f channels a second\n",
	       static_cast<double>(visits) / taken.count());
	Usage(getpid()).print("the initiator");
	EXPECT_LE(Usage(getpid()).descriptors, own.descriptors);
}

/* Answers that nobody takes: the target may neither wait nor keep more. */
TEST_F(PmemCrowd, OneThatStopsReadingHoldsUpNobody)
{
	constexpr size_t kLen = 65536;
	constexpr size_t kReads = 400;
	Initiator deaf(Stack::msg);
	target_.connect(deaf.node());
	static_cast<void>(deaf.read_and_wait(region_, 0, 1));
	Usage before(target_.pid());
	LocalBuffer buffer(deaf.node(), kLen);
	std::vector<fi_context2> contexts(kReads);
	size_t posted = 0;
	for (; posted < kReads; posted++) {
		ssize_t ret = fi_read(deaf.ep(), buffer.data(), kLen,
				      buffer.desc(), deaf.peer(), region_.base,
				      region_.key, &contexts[posted]);
		if (ret == -FI_EAGAIN)
			break;
		check(ret, "fi_read");
	}
	EXPECT_GT(posted, 64u);
	for (int i = 0; i < 200; i++)
		expect_service();
	Usage meanwhile(target_.pid());
	meanwhile.print("while somebody does not read");
	/* There is at most an answer for each of its 64 credits, twice. */
	EXPECT_LT(meanwhile.resident_kib - before.resident_kib,
		  long{3 * 64 * kLen / 1024});
	/* It reads again, and gets everything. */
	for (size_t i = 0; i < posted; i++)
		EXPECT_EQ(deaf.completions().wait().err, 0);
}

/* One initiator of the crowd: a thread, its own domain, its own slot. */
class Member
{
public:
	Member(Target *target, const RemoteRegion &region, size_t index)
		: region_(region), index_(index), initiator_(options())
	{
		target->connect(initiator_.node());
	}

	void run(const std::atomic<bool> &stop) noexcept
	{
		try {
			LocalBuffer buffer(initiator_.node(), kCommit);
			while (!stop)
				commit(&buffer);
		} catch (const std::exception &error) {
			error_ = error.what();
		}
	}

	uint64_t commits() const { return commits_; }
	const std::string &error() const { return error_; }
	uint64_t offset() const { return (1 + index_) * kSlot; }
	Bytes last() const { return pattern(index_ << 32 | commits_, kCommit); }

private:
	static NodeOptions options()
	{
		NodeOptions options;
		options.wait_obj = FI_WAIT_FD;
		return options;
	}

	/* Sleeps until it is durable, as many do on few processors. */
	void commit(LocalBuffer *buffer)
	{
		buffer->bytes = pattern(index_ << 32 | (commits_ + 1), kCommit);
		check(initiator_.write(region_, offset(), *buffer,
				       FI_COMMIT_COMPLETE, &context_),
		      "fi_writemsg");
		fi_cq_data_entry entry{};
		ssize_t ret;
		do {
			ret = fi_cq_sread(initiator_.node().cq.get(), &entry, 1,
					  nullptr, 1000);
		} while (ret == -FI_EAGAIN || ret == -FI_EINTR);
		check(ret, "a commit");
		commits_++;
	}

	const RemoteRegion region_;
	const uint64_t index_;
	Initiator initiator_;
	fi_context2 context_{};
	uint64_t commits_ = 0;
	std::string error_;
};

TEST_F(PmemCrowd, IsServedFairly)
{
	size_t size = env_number("PMEM_CROWD", 20);
	std::chrono::seconds time(env_number("PMEM_CROWD_SECONDS", 3));
	ASSERT_LT(size, kRegionLen / kSlot);
	Usage before(target_.pid());
	before.print("before");
	std::vector<std::unique_ptr<Member>> members;
	for (size_t i = 0; i < size; i++)
		members.push_back(
			std::make_unique<Member>(&target_, region_, i));
	std::atomic<bool> stop{false};
	std::vector<std::thread> threads;
	for (auto &member : members)
		threads.emplace_back([&] { member->run(stop); });
	std::this_thread::sleep_for(time / 2);
	Usage half(target_.pid());
	half.print("at half time");
	std::this_thread::sleep_for(time / 2);
	Usage end(target_.pid());
	end.print("at the end");
	stop = true;
	for (std::thread &thread : threads)
		thread.join();

	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	for (const auto &member : members) {
		EXPECT_EQ(member->error(), "");
		least = std::min(least, member->commits());
		most = std::max(most, member->commits());
		sum += member->commits();
		if (member->commits()) {
			EXPECT_EQ(difference(
					  file_.read(member->offset(), kCommit),
					  member->last()),
				  "");
		}
	}
	printf("%zu initiators, %lld s: %llu commits, of each %llu to %llu\n",
	       size, static_cast<long long>(time.count()),
	       static_cast<unsigned long long>(sum),
	       static_cast<unsigned long long>(least),
	       static_cast<unsigned long long>(most));
	EXPECT_GT(least, 0u);
	if (time >= std::chrono::minutes(1)) {
		EXPECT_LE(most, 2 * least);
	}
	/* Each thread of the service has another that syncs. */
	EXPECT_EQ(end.threads, half.threads);
	EXPECT_LE(end.descriptors, half.descriptors);
	if (!kSanitized) {
		EXPECT_LT(end.resident_kib - half.resident_kib, 1024);
	}
	/* The target's own endpoints stay open; its channels do not. */
	long channels = end.descriptors - before.descriptors;
	members.clear();
	Deadline deadline;
	while (Usage(target_.pid()).descriptors >
		       end.descriptors - long(size) &&
	       !deadline.passed())
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
	Usage after(target_.pid());
	after.print("without the crowd");
	EXPECT_LE(after.descriptors,
		  before.descriptors + channels - long(size));
	expect_service();
}

} // namespace
