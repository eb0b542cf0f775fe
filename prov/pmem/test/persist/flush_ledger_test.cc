/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The ledger is exact: to the byte, and in the order of what is reported to it.
 */
#include "persist/flush_ledger.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace ofi_pmem::test
{

namespace
{

constexpr uint64_t kLine = 64;

bool is(const std::optional<FlushLedger::Missing> &missing, uint64_t begin,
	uint64_t end, bool flushed)
{
	return missing && missing->extent.begin == begin &&
	       missing->extent.end == end && missing->flushed == flushed;
}

} // namespace

TEST(FlushLedger, StoreFlushDrainIsDurable)
{
	FlushLedger ledger;
	auto mark = ledger.mark();
	ledger.store({100, 200});
	ledger.flush({100, 200});
	ledger.drain();
	EXPECT_FALSE(ledger.missing({100, 200}, mark));
	EXPECT_EQ(ledger.size(), 0u);
}

TEST(FlushLedger, AFlushShortByOneByteOrLineIsMissed)
{
	for (uint64_t lacking : {uint64_t{1}, kLine}) {
		FlushLedger ledger;
		ledger.store({0, 1024});
		ledger.flush({0, 1024 - lacking});
		ledger.drain();
		EXPECT_TRUE(is(ledger.missing({0, 1024}, ledger.mark()),
			       1024 - lacking, 1024, false));
		EXPECT_FALSE(
			ledger.missing({0, 1024 - lacking}, ledger.mark()));
	}
}

TEST(FlushLedger, AFlushThatStartsLateIsMissed)
{
	FlushLedger ledger;
	ledger.store({0, 1024});
	ledger.flush({1, 2048});
	ledger.drain();
	EXPECT_TRUE(is(ledger.missing({0, 1024}, ledger.mark()), 0, 1, false));
}

TEST(FlushLedger, AMissingDrainIsMissed)
{
	FlushLedger ledger;
	ledger.store({8, 16});
	ledger.flush({0, 64});
	EXPECT_TRUE(is(ledger.missing({0, 64}, ledger.mark()), 8, 16, true));
}

TEST(FlushLedger, ADrainBeforeTheFlushDoesNotCount)
{
	FlushLedger ledger;
	ledger.store({0, 8});
	ledger.drain();
	ledger.flush({0, 8});
	EXPECT_TRUE(is(ledger.missing({0, 8}, ledger.mark()), 0, 8, true));
}

TEST(FlushLedger, ADrainThatLastsEndsWhatWasFlushedBeforeIt)
{
	FlushLedger ledger;
	ledger.store({0, 64});
	ledger.flush({0, 64});
	ledger.begin_drain(1);
	ledger.store({64, 128});
	ledger.flush({64, 128});
	EXPECT_TRUE(ledger.missing({0, 64}, ledger.mark()));
	ledger.begin_drain(2);
	ledger.store({128, 192});
	ledger.flush({128, 192});
	ledger.end_drain(1);
	EXPECT_FALSE(ledger.missing({0, 64}, ledger.mark()));
	auto missing = ledger.missing({0, 192}, ledger.mark());
	ASSERT_TRUE(missing);
	EXPECT_EQ(missing->extent.begin, 64U);
	EXPECT_TRUE(missing->flushed);
	ledger.end_drain(2);
	EXPECT_FALSE(ledger.missing({0, 128}, ledger.mark()));
	EXPECT_TRUE(ledger.missing({128, 192}, ledger.mark()));
}

/* The end of a drain is that of those which began before it. */
TEST(FlushLedger, ALaterDrainEndsEarlierOnes)
{
	FlushLedger ledger;
	for (uint64_t ticket = 1; ticket <= 3; ticket++) {
		ledger.store({0, 64});
		ledger.flush({0, 64});
		ledger.begin_drain(ticket);
	}
	ledger.end_drain(2);
	EXPECT_TRUE(ledger.missing({0, 64}, ledger.mark()));
	ledger.end_drain(3);
	EXPECT_FALSE(ledger.missing({0, 64}, ledger.mark()));
	EXPECT_EQ(ledger.size(), 0U);
}

TEST(FlushLedger, AFlushBeforeTheStoreDoesNotCount)
{
	FlushLedger ledger;
	ledger.store({0, 64});
	ledger.flush({0, 64});
	auto mark = ledger.mark();
	ledger.store({32, 40});
	ledger.drain();
	EXPECT_TRUE(is(ledger.missing({0, 64}, mark), 32, 40, false));
}

TEST(FlushLedger, AStoreBehindTheOwnFlushIsMissedAndALaterOneIsNot)
{
	for (bool own : {true, false}) {
		FlushLedger ledger;
		ledger.store({0, 8});
		ledger.flush({0, 8});
		FlushLedger::Mark mark = 0;
		if (!own)
			mark = ledger.close();
		ledger.store({0, 8});
		if (own)
			mark = ledger.close();
		ledger.drain();
		EXPECT_EQ(ledger.missing({0, 8}, mark).has_value(), own);
	}
}

/* Two initiators and the same bytes: each commit stands for its own store. */
TEST(FlushLedger, ALaterStoreIsNotTheConcernOfAnEarlierCommit)
{
	FlushLedger ledger;
	auto first = ledger.mark();
	ledger.store({0, 8});
	ledger.flush({0, 8});
	auto second = ledger.mark();
	ledger.store({0, 8});
	EXPECT_TRUE(is(ledger.missing({0, 8}, first), 0, 8, true));
	ledger.drain();
	EXPECT_FALSE(ledger.missing({0, 8}, first));
	EXPECT_TRUE(is(ledger.missing({0, 8}, second), 0, 8, false));
}

TEST(FlushLedger, BytesThatWereNeverWrittenAreDurable)
{
	FlushLedger ledger;
	ledger.flush({0, 64});
	EXPECT_FALSE(ledger.missing({0, 4096}, ledger.mark()));
	EXPECT_EQ(ledger.size(), 0u);
}

TEST(FlushLedger, SequentialStoresAreOneEntry)
{
	FlushLedger ledger;
	for (uint64_t at = 0; at < 8000; at += 8)
		ledger.store({at, at + 8});
	EXPECT_EQ(ledger.size(), 1u);
	ledger.flush({0, 4000});
	EXPECT_EQ(ledger.size(), 2u);
	ledger.drain();
	EXPECT_EQ(ledger.size(), 1u);
}

/* Against a model that remembers every store of every byte. */
TEST(FlushLedger, AgreesWithAModelOfSingleBytes)
{
	constexpr uint64_t kBytes = 96;
	unsigned seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937 random(seed);
	FlushLedger ledger;
	struct Byte {
		std::vector<uint64_t> dirty;
		std::vector<uint64_t> pending;
	};
	std::vector<Byte> model(kBytes);
	struct Commit {
		Extent extent;
		uint64_t mark;
	};
	std::vector<Commit> commits;
	uint64_t violations = 0;
	for (int step = 0; step < 20000; step++) {
		uint64_t begin = random() % kBytes;
		Extent extent{begin, begin + 1 + random() % (kBytes - begin)};
		unsigned what = random() % 8;
		if (what < 3) {
			commits.push_back({extent, ledger.mark()});
			if (commits.size() > 8)
				commits.erase(commits.begin());
			ledger.store(extent);
			for (uint64_t i = extent.begin; i < extent.end; i++)
				model[i].dirty.push_back(commits.back().mark);
		} else if (what < 7) {
			ledger.flush(extent);
			for (uint64_t i = extent.begin; i < extent.end; i++) {
				Byte &byte = model[i];
				byte.pending.insert(byte.pending.end(),
						    byte.dirty.begin(),
						    byte.dirty.end());
				byte.dirty.clear();
			}
		} else {
			ledger.drain();
			for (Byte &byte : model)
				byte.pending.clear();
		}
		for (const Commit &commit : commits) {
			auto reached = [&](uint64_t mark) {
				return mark <= commit.mark;
			};
			uint64_t bad = commit.extent.begin;
			bool flushed = false;
			for (; bad < commit.extent.end; bad++) {
				const Byte &byte = model[bad];
				if (std::any_of(byte.dirty.begin(),
						byte.dirty.end(), reached))
					break;
				flushed = std::any_of(byte.pending.begin(),
						      byte.pending.end(),
						      reached);
				if (flushed)
					break;
			}
			auto missing =
				ledger.missing(commit.extent, commit.mark);
			ASSERT_EQ(missing.has_value(), bad < commit.extent.end);
			if (!missing)
				continue;
			violations++;
			ASSERT_EQ(missing->extent.begin, bad);
			ASSERT_EQ(missing->flushed, flushed);
		}
	}
	EXPECT_GT(violations, 0u);
	ledger.drain();
	ledger.flush({0, kBytes});
	ledger.drain();
	EXPECT_EQ(ledger.size(), 0u);
}

} // namespace ofi_pmem::test
