/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The simulated power failure: what SIGKILL takes, what crash() may keep, and
 * that an orderly close takes nothing.
 */
#include "persist/powerfail_backend.hh"

#include "core/params.hh"
#include "fixture/persist_fixture.hh"
#include "persist/default_backend.hh"
#include "persist/extent.hh"
#include "persist/memory_copy.hh"

#include <rdma/fi_errno.h>

#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <set>
#include <thread>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

class PowerfailTest : public PersistTest
{
protected:
	using BackendPtr = std::unique_ptr<PowerfailBackend>;

	static int try_open(char *base, size_t len, BackendPtr *backend,
			    bool forced = false)
	{
		std::unique_ptr<Backend> opened;
		int ret = open_default_backend(
			{base, len, forced}, BackendChoice::powerfail, &opened);
		if (!ret)
			backend->reset(static_cast<PowerfailBackend *>(
				opened.release()));
		return ret;
	}

	static BackendPtr open_region(char *base, size_t len,
				      bool forced = false)
	{
		BackendPtr backend;
		EXPECT_EQ(try_open(base, len, &backend, forced), 0);
		return backend;
	}

	BackendPtr open_region(const Mapped &memory)
	{
		return open_region(memory.at(), memory.size());
	}

	std::string content() const { return read_file(path_); }

	/* Returns the initial content with `text` at `offset`. */
	std::string with(size_t offset, const std::string &text) const
	{
		std::string expected = initial_;
		return expected.replace(offset, text.size(), text);
	}

	static bool is_shared(const Mapped &memory)
	{
		auto begin = reinterpret_cast<uintptr_t>(memory.at());
		std::vector<MapSegment> segments;
		if (read_map(begin, begin + memory.size(), &segments))
			return false;
		for (const auto &segment : segments) {
			if (!segment.shared)
				return false;
		}
		return true;
	}
};

TEST_F(PowerfailTest, ReportsASimulation)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	EXPECT_EQ(backend->granularity(), Granularity::cache_line);
	EXPECT_EQ(backend->domain(), PersistenceDomain::simulated);
	EXPECT_TRUE(backend->one_sided());
}

/* Drains last so many microseconds, as the syncs of a disk do. */
class LastingDrain : public PowerfailTest
{
protected:
	void TearDown() override
	{
		unsetenv("FI_OFI_PMEM_POWERFAIL_SYNC_US");
		ASSERT_EQ(load_params(), 0);
		PowerfailTest::TearDown();
	}

	static void last(const char *microseconds)
	{
		setenv("FI_OFI_PMEM_POWERFAIL_SYNC_US", microseconds, 1);
		ASSERT_EQ(load_params(), 0);
	}
	static PendingDrain begin(PowerfailBackend *backend)
	{
		bool stored = false;
		EXPECT_EQ(backend->store_flush(0, "old", 3, &stored), 0);
		PendingDrain pending;
		EXPECT_EQ(backend->begin_drain(1, &pending), 0);
		EXPECT_TRUE(pending);
		return pending;
	}
};

TEST_F(LastingDrain, MakesNothingDurableBeforeItsEnd)
{
	last("1000");
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	PendingDrain pending = begin(backend.get());
	EXPECT_FALSE(pending.ended());
	EXPECT_EQ(content(), initial_);
	EXPECT_EQ(pending.sync->sync(pending.ticket), 0);
	EXPECT_TRUE(pending.ended());
	EXPECT_EQ(backend->end_drain(pending.ticket), 0);
	EXPECT_EQ(content(), with(0, "old"));
}

/* Neither does it bring back what was there when it began. */
TEST_F(LastingDrain, OutlivesAnOrderlyClose)
{
	last("100000");
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	PendingDrain pending = begin(backend.get());
	std::thread device(
		[&] { EXPECT_EQ(pending.sync->sync(pending.ticket), 0); });
	std::this_thread::sleep_for(std::chrono::milliseconds(30));
	EXPECT_EQ(backend->store(0, "new", 3), 0);
	backend.reset();
	EXPECT_EQ(content(), with(0, "new"));
	device.join();
	EXPECT_EQ(content(), with(0, "new"));
}

/* What did not reach the medium is lost, whether its drain had begun or not. */
TEST_F(LastingDrain, FailsInACrash)
{
	last("100000");
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	PendingDrain pending = begin(backend.get());
	std::thread device([&] {
		EXPECT_EQ(pending.sync->sync(pending.ticket), -FI_EIO);
	});
	std::this_thread::sleep_for(std::chrono::milliseconds(30));
	EXPECT_EQ(backend->crash(1), 0);
	device.join();
	EXPECT_EQ(backend->end_drain(pending.ticket), -FI_EIO);
}

TEST_F(PowerfailTest, StoreIsVisibleButNotInTheFile)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	ASSERT_EQ(backend->store(10, "abc", 3), 0);
	memory.at(page_)[0] = 'a';
	char back[3] = {};
	ASSERT_EQ(backend->load(10, back, 3), 0);
	EXPECT_EQ(std::string(back, 3), "abc");
	EXPECT_EQ(std::string(memory.at(10), 3), "abc");
	EXPECT_EQ(content(), initial_);
}

TEST_F(PowerfailTest, DrainMakesExactlyTheFlushedLinesDurable)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	for (size_t line = 0; line < 4; line++)
		ASSERT_EQ(backend->store(line * kLineSize, "line", 4), 0);
	/* Two bytes, on two lines. */
	ASSERT_EQ(backend->flush(2 * kLineSize - 1, 2), 0);
	EXPECT_EQ(content(), initial_);
	ASSERT_EQ(backend->drain(), 0);
	std::string expected = with(kLineSize, "line");
	expected.replace(2 * kLineSize, 4, "line");
	EXPECT_EQ(content(), expected);
	std::string durable(len_, 0);
	ASSERT_EQ(backend->load_durable(0, durable.data(), len_), 0);
	EXPECT_EQ(durable, expected);
	memory.unmap();
}

TEST_F(PowerfailTest, StoreAfterFlushIsNotInThatFlush)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(0, "old", 3, &stored), 0);
	EXPECT_TRUE(stored);
	ASSERT_EQ(backend->store(0, "new", 3), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), with(0, "old"));
	ASSERT_EQ(backend->flush(0, 1), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), with(0, "new"));
}

TEST_F(PowerfailTest, LaterFlushOfTheDurableContentSupersedes)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(0, "abc", 3, &stored), 0);
	ASSERT_EQ(backend->store_flush(0, "...", 3, &stored), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), initial_);
}

TEST_F(PowerfailTest, UntouchedPagesShowWhatIsDurable)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	ASSERT_EQ(pwrite(fd_.get(), "file", 4, static_cast<off_t>(page_)), 4);
	EXPECT_EQ(std::string(memory.at(page_), 4), "file");
	ASSERT_EQ(backend->flush(0, len_), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), with(page_, "file"));
}

TEST_F(PowerfailTest, LargeFlushIsWrittenWhole)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	std::string payload(len_ - 101, 'L');
	bool stored = false;
	ASSERT_EQ(backend->store_flush(50, payload.data(), payload.size(),
				       &stored),
		  0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), with(50, payload));
}

TEST_F(PowerfailTest, SigkillLosesWhatIsNotDrainedAndNothingElse)
{
	int status = run_in_child([&] {
		Mapped memory(len_, MAP_SHARED, fd_.get());
		auto backend = open_region(memory);
		bool stored = false;
		if (backend->store_flush(0, "drained", 7, &stored) ||
		    backend->drain() ||
		    backend->store_flush(page_, "flushed", 7, &stored) ||
		    backend->store(2 * page_, "stored", 6))
			return 2;
		memcpy(memory.at(3 * page_), "application", 11);
		raise(SIGKILL);
		return 3;
	});
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(content(), with(0, "drained"));
}

TEST_F(PowerfailTest, CloseKeepsEverythingAndRestoresTheMapping)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	memcpy(memory.at(5), "before", 6);
	auto backend = open_region(memory);
	EXPECT_FALSE(is_shared(memory));
	ASSERT_EQ(backend->store(page_, "service", 7), 0);
	memcpy(memory.at(2 * page_), "application", 11);
	backend.reset();
	EXPECT_TRUE(is_shared(memory));
	std::string expected = with(5, "before");
	expected.replace(page_, 7, "service");
	expected.replace(2 * page_, 11, "application");
	EXPECT_EQ(content(), expected);
	memory.at()[0] = 'S';
	EXPECT_EQ(content()[0], 'S');
}

TEST_F(PowerfailTest, RegionInsidePagesKeepsTheirRest)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory.at(page_ + 100), page_);
	memcpy(memory.at(page_), "head", 4);
	memcpy(memory.at(3 * page_ - 4), "tail", 4);
	ASSERT_EQ(backend->store(0, "region", 6), 0);
	ASSERT_EQ(backend->flush(0, 6), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), with(page_ + 100, "region"));
	backend.reset();
	std::string expected = with(page_ + 100, "region");
	expected.replace(page_, 4, "head");
	expected.replace(3 * page_ - 4, 4, "tail");
	EXPECT_EQ(content(), expected);
}

TEST_F(PowerfailTest, FileThatEndsInsideALineIsNotExtended)
{
	size_t size = 2 * page_ - 30;
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(size)), 0);
	Mapped memory(size, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(size - 3, "end", 3, &stored), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(content(), with(size - 3, "end").substr(0, size));
	ASSERT_EQ(backend->store(size - 3, "END", 3), 0);
	backend.reset();
	EXPECT_EQ(content(), with(size - 3, "END").substr(0, size));
}

TEST_F(PowerfailTest, ShrunkFileIsAnError)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(2 * page_, "gone", 4, &stored), 0);
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(page_)), 0);
	char byte = 0;
	EXPECT_EQ(backend->drain(), -FI_EIO);
	EXPECT_EQ(backend->flush(2 * page_, 4), -FI_EIO);
	EXPECT_EQ(backend->store(2 * page_, "gone", 4), -FI_EIO);
	EXPECT_EQ(backend->load(2 * page_, &byte, 1), -FI_EIO);
	EXPECT_EQ(backend->store(0, "kept", 4), 0);
	backend.reset();
	EXPECT_EQ(content(), with(0, "kept").substr(0, page_));
}

TEST_F(PowerfailTest, MemoryUnmappedBeforeCloseIsLeftAlone)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	ASSERT_EQ(backend->store(0, "lost", 4), 0);
	/* Something else now lives at the same address. */
	ASSERT_NE(mmap(memory.at(), len_, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		  MAP_FAILED);
	memory.at()[0] = 'n';
	backend.reset();
	EXPECT_EQ(memory.at()[0], 'n');
	EXPECT_EQ(content(), initial_);
}

TEST_F(PowerfailTest, FileUnlinkedBeforeCloseKeepsWhatIsStored)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	ASSERT_EQ(backend->store(0, "kept", 4), 0);
	/* The map shows another name now, of the same file. */
	ASSERT_EQ(unlink(path_.c_str()), 0);
	backend.reset();
	EXPECT_TRUE(is_shared(memory));
	EXPECT_EQ(read_file("/proc/self/fd/" + std::to_string(fd_.get())),
		  with(0, "kept"));
}

TEST_F(PowerfailTest, FileRenamedBetweenRegionsHasOneSimulation)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto first = open_region(memory);
	ASSERT_EQ(first->store(0, "first", 5), 0);
	ASSERT_EQ(rename(path_.c_str(), dir_.file("renamed").c_str()), 0);
	auto second = open_region(memory);
	ASSERT_TRUE(second);
	ASSERT_EQ(second->store(page_, "second", 6), 0);
	first.reset();
	EXPECT_FALSE(is_shared(memory));
	second.reset();
	EXPECT_TRUE(is_shared(memory));
	EXPECT_EQ(read_file(dir_.file("renamed")),
		  with(0, "first").replace(page_, 6, "second"));
}

TEST_F(PowerfailTest, SameRangeTwiceSharesOneSimulation)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto first = open_region(memory);
	auto second = open_region(memory);
	bool stored = false;
	ASSERT_EQ(first->store_flush(0, "first", 5, &stored), 0);
	ASSERT_EQ(first->drain(), 0);
	ASSERT_EQ(second->store_flush(page_, "second", 6, &stored), 0);
	first.reset();
	EXPECT_FALSE(is_shared(memory));
	std::string expected = with(0, "first");
	EXPECT_EQ(content(), expected);
	ASSERT_EQ(second->drain(), 0);
	expected.replace(page_, 6, "second");
	EXPECT_EQ(content(), expected);
	memory.at(2 * page_)[0] = 'c';
	second.reset();
	EXPECT_TRUE(is_shared(memory));
	EXPECT_EQ(content(), expected.replace(2 * page_, 1, "c"));
}

TEST_F(PowerfailTest, SecondRegionKeepsStoresOfTheFirst)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto first = open_region(memory.at(), 2 * page_);
	ASSERT_EQ(first->store(page_, "stored", 6), 0);
	auto second = open_region(memory.at(page_), 2 * page_);
	EXPECT_EQ(std::string(memory.at(page_), 6), "stored");
	ASSERT_EQ(second->flush(0, 6), 0);
	ASSERT_EQ(second->drain(), 0);
	EXPECT_EQ(content(), with(page_, "stored"));
}

TEST_F(PowerfailTest, OverlappingRegionsReleaseEachPageOnce)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto low = open_region(memory.at(), 2 * page_);
	auto high = open_region(memory.at(page_), 3 * page_);
	auto inside = open_region(memory.at(page_ + 8), 16);
	memset(memory.at(), 'a', len_);
	EXPECT_EQ(content(), initial_);
	low.reset();
	EXPECT_EQ(content(), with(0, std::string(page_, 'a')));
	high.reset();
	std::string expected(len_, 'a');
	EXPECT_EQ(content(),
		  expected.replace(page_, page_, std::string(page_, '.')));
	inside.reset();
	EXPECT_EQ(content(), std::string(len_, 'a'));
	EXPECT_TRUE(is_shared(memory));
}

TEST_F(PowerfailTest, DisjointPartsAtTwoAddressesWorkTheSamePartIsRefused)
{
	Mapped one(len_, MAP_SHARED, fd_.get());
	Mapped two(len_, MAP_SHARED, fd_.get());
	auto first = open_region(one.at(), page_);
	BackendPtr second;
	EXPECT_EQ(try_open(two.at(), 2 * page_, &second), -FI_EBUSY);
	EXPECT_TRUE(is_shared(two));
	ASSERT_EQ(try_open(two.at(page_), page_, &second), 0);
	first.reset();
	second.reset();
	EXPECT_EQ(try_open(two.at(), 2 * page_, &second), 0);
}

TEST_F(PowerfailTest, RegionsOpenAndCloseInManyThreads)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	std::vector<std::thread> threads;
	std::atomic<int> failures{0};
	for (size_t page = 0; page < 4; page++) {
		threads.emplace_back([&, page] {
			for (int round = 0; round < 20; round++) {
				BackendPtr backend;
				size_t at = page * page_;
				size_t len = std::min(2 * page_, len_ - at);
				bool stored = false;
				if (try_open(memory.at(at), len, &backend) ||
				    backend->store_flush(0, &page, 8,
							 &stored) ||
				    backend->drain())
					failures++;
			}
		});
	}
	for (auto &thread : threads)
		thread.join();
	EXPECT_EQ(failures, 0);
	EXPECT_TRUE(is_shared(memory));
	for (size_t page = 0; page < 4; page++)
		EXPECT_EQ(memcmp(memory.at(page * page_), &page, 8), 0);
}

TEST_F(PowerfailTest, CrashReachesEverySubsetOfUndrainedLines)
{
	std::set<std::string> outcomes;
	for (uint64_t seed = 0; seed < 200; seed++) {
		write_file(path_, initial_);
		Mapped memory(page_, MAP_SHARED, fd_.get());
		auto backend = open_region(memory);
		bool stored = false;
		/* Two pending lines, two dirty ones. */
		for (size_t line = 0; line < 4; line++)
			ASSERT_EQ(backend->store(line * kLineSize, "k", 1), 0);
		ASSERT_EQ(backend->flush(0, 2 * kLineSize), 0);
		ASSERT_EQ(backend->store_flush(8 * kLineSize, "d", 1, &stored),
			  0);
		ASSERT_EQ(backend->crash(seed, Tearing::none), 0);
		std::string survived = content();
		std::string lines;
		for (size_t line = 0; line < 4; line++)
			lines += survived[line * kLineSize];
		outcomes.insert(lines);
	}
	EXPECT_EQ(outcomes.size(), 16u);
}

TEST_F(PowerfailTest, CrashKeepsWhatWasDrained)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		write_file(path_, initial_);
		Mapped memory(page_, MAP_SHARED, fd_.get());
		auto backend = open_region(memory);
		bool stored = false;
		ASSERT_EQ(backend->store_flush(0, "drained", 7, &stored), 0);
		ASSERT_EQ(backend->drain(), 0);
		ASSERT_EQ(backend->store(kLineSize, "dirty", 5), 0);
		ASSERT_EQ(backend->crash(seed), 0);
		EXPECT_EQ(content().substr(0, 7), "drained");
	}
}

TEST_F(PowerfailTest, PendingLineMayKeepItsFlushedOrItsVisibleContent)
{
	std::set<char> outcomes;
	for (uint64_t seed = 0; seed < 100; seed++) {
		write_file(path_, initial_);
		Mapped memory(page_, MAP_SHARED, fd_.get());
		auto backend = open_region(memory);
		bool stored = false;
		ASSERT_EQ(backend->store_flush(0, "f", 1, &stored), 0);
		ASSERT_EQ(backend->store(0, "v", 1), 0);
		ASSERT_EQ(backend->crash(seed), 0);
		outcomes.insert(content()[0]);
	}
	EXPECT_EQ(outcomes, (std::set<char>{'.', 'f', 'v'}));
}

TEST_F(PowerfailTest, LinesTearOnlyBetweenAlignedWords)
{
	bool torn = false;
	const std::string old_word(kWord, '.');
	const std::string new_word(kWord, 'n');
	for (uint64_t seed = 0; seed < 200; seed++) {
		write_file(path_, initial_);
		Mapped memory(page_, MAP_SHARED, fd_.get());
		auto backend = open_region(memory);
		memset(memory.at(), 'n', kLineSize);
		ASSERT_EQ(backend->crash(seed, Tearing::words), 0);
		std::string survived = content();
		std::set<std::string> words;
		for (size_t at = 0; at < kLineSize; at += kWord)
			words.insert(survived.substr(at, kWord));
		torn = torn || words.size() == 2;
		words.erase(old_word);
		words.erase(new_word);
		EXPECT_TRUE(words.empty()) << *words.begin();
	}
	EXPECT_TRUE(torn);
}

TEST_F(PowerfailTest, CrashIsDeterministicInItsSeed)
{
	std::set<std::string> outcomes;
	for (int round = 0; round < 3; round++) {
		write_file(path_, initial_);
		Mapped memory(len_, MAP_SHARED, fd_.get());
		auto backend = open_region(memory);
		memset(memory.at(), 'x', len_);
		ASSERT_EQ(backend->crash(42), 0);
		outcomes.insert(content());
	}
	EXPECT_EQ(outcomes.size(), 1u);
	EXPECT_NE(*outcomes.begin(), initial_);
	EXPECT_NE(*outcomes.begin(), std::string(len_, 'x'));
}

TEST_F(PowerfailTest, AfterACrashEverythingFailsUntilAllIsClosed)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_region(memory);
	auto other = open_region(memory.at(), page_);
	memset(memory.at(), 'x', len_);
	ASSERT_EQ(backend->crash(7), 0);
	std::string survived = content();
	bool stored = true;
	char byte = 0;
	for (auto *region : {backend.get(), other.get()}) {
		EXPECT_EQ(region->store(0, "a", 1), -FI_EIO);
		EXPECT_EQ(region->store_flush(0, "a", 1, &stored), -FI_EIO);
		EXPECT_FALSE(stored);
		EXPECT_EQ(region->flush(0, 1), -FI_EIO);
		EXPECT_EQ(region->drain(), -FI_EIO);
		EXPECT_EQ(region->load(0, &byte, 1), -FI_EIO);
		EXPECT_EQ(region->crash(8), -FI_EIO);
	}
	BackendPtr late;
	EXPECT_EQ(try_open(memory.at(), page_, &late), -FI_EIO);
	backend.reset();
	other.reset();
	EXPECT_EQ(content(), survived);
	EXPECT_EQ(std::string(memory.at(), len_), survived);
	EXPECT_TRUE(is_shared(memory));
	EXPECT_EQ(try_open(memory.at(), page_, &late), 0);
}

TEST_F(PowerfailTest, ForcedMemoryHasAnImageOfItsOwn)
{
	std::string heap(1000, '.');
	char *base = heap.data() + 3;
	BackendPtr refused;
	EXPECT_EQ(try_open(base, 900, &refused), -FI_EINVAL);
	auto backend = open_region(base, 900, true);
	EXPECT_EQ(backend->domain(), PersistenceDomain::simulated);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(200, "drained", 7, &stored), 0);
	ASSERT_EQ(backend->drain(), 0);
	ASSERT_EQ(backend->store_flush(0, "flushed", 7, &stored), 0);
	ASSERT_EQ(backend->store(890, "stored", 6), 0);
	std::string durable(900, 0);
	ASSERT_EQ(backend->load_durable(0, durable.data(), 900), 0);
	EXPECT_EQ(durable, std::string(900, '.').replace(200, 7, "drained"));
	ASSERT_EQ(backend->crash(1), 0);
	ASSERT_EQ(backend->load_durable(200, durable.data(), 7), 0);
	EXPECT_EQ(durable.substr(0, 7), "drained");
	EXPECT_EQ(backend->drain(), -FI_EIO);
}

TEST(Extent, SubtractLeavesWhatIsNotTaken)
{
	auto left = subtract({10, 50}, {{0, 12}, {20, 30}, {29, 31}, {48, 99}});
	ASSERT_EQ(left.size(), 2u);
	EXPECT_EQ(left[0].begin, 12u);
	EXPECT_EQ(left[0].end, 20u);
	EXPECT_EQ(left[1].begin, 31u);
	EXPECT_EQ(left[1].end, 48u);
	EXPECT_TRUE(subtract({10, 50}, {{10, 30}, {30, 50}}).empty());
	EXPECT_EQ(subtract({10, 50}, {}).size(), 1u);
}
