/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/dirty_ranges.hh"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace ofi_pmem::test
{

namespace
{

bool covers(const DirtyRanges &dirty, uint64_t token, uint64_t byte)
{
	for (size_t i = 0; i < dirty.size(); i++) {
		const wire::Range &range = dirty.data()[i];
		if (range.token == token && byte >= range.offset &&
		    byte - range.offset < range.length)
			return true;
	}
	return false;
}

} // namespace

TEST(DirtyRanges, NeighboursBecomeOne)
{
	DirtyRanges dirty;
	EXPECT_TRUE(dirty.add({1, 0, 8}));
	EXPECT_TRUE(dirty.add({1, 8, 8}));
	EXPECT_TRUE(dirty.add({1, 4, 20}));
	ASSERT_EQ(dirty.size(), 1u);
	EXPECT_EQ(dirty.data()[0].offset, 0u);
	EXPECT_EQ(dirty.data()[0].length, 24u);
}

TEST(DirtyRanges, RegionsStayApart)
{
	DirtyRanges dirty;
	EXPECT_TRUE(dirty.add({1, 0, 8}));
	EXPECT_TRUE(dirty.add({2, 8, 8}));
	EXPECT_EQ(dirty.size(), 2u);
}

TEST(DirtyRanges, NothingIsNothing)
{
	DirtyRanges dirty;
	EXPECT_TRUE(dirty.add({1, 100, 0}));
	EXPECT_TRUE(dirty.empty());
}

TEST(DirtyRanges, FullOfOtherRegionsRefuses)
{
	DirtyRanges dirty;
	for (uint64_t token = 0; token < DirtyRanges::kCapacity; token++)
		EXPECT_TRUE(dirty.add({token, 0, 8}));
	EXPECT_TRUE(dirty.add({5, 1000, 8}));
	EXPECT_FALSE(dirty.add({999, 0, 8}));
	dirty.clear();
	EXPECT_TRUE(dirty.add({999, 0, 8}));
}

TEST(DirtyRanges, FullMergesTheTwoThatAreClosest)
{
	DirtyRanges dirty;
	for (uint64_t i = 0; i < DirtyRanges::kCapacity; i++)
		EXPECT_TRUE(dirty.add({i % 2, i * 1000, 8}));
	EXPECT_EQ(dirty.room(), 0u);
	/* Another region's, though nearer, is not merged with it. */
	EXPECT_TRUE(dirty.add({0, 5100, 8}));
	ASSERT_EQ(dirty.size(), DirtyRanges::kCapacity);
	EXPECT_TRUE(covers(dirty, 0, 5100));
	EXPECT_TRUE(covers(dirty, 0, 6000));
	EXPECT_FALSE(covers(dirty, 0, 4500));
	EXPECT_TRUE(covers(dirty, 1, 5000));
	/* The closest may be two that are there already. */
	EXPECT_TRUE(dirty.add({1, 500000, 8}));
	EXPECT_TRUE(dirty.add({1, 900000, 8}));
	EXPECT_FALSE(covers(dirty, 1, 700000));
	EXPECT_EQ(dirty.size(), DirtyRanges::kCapacity);
}

TEST(DirtyRanges, TheOldestAreTheFirst)
{
	DirtyRanges dirty;
	for (uint64_t i = 0; i < DirtyRanges::kCapacity; i++)
		EXPECT_TRUE(dirty.add({1, i * 1000, 8}));
	dirty.remove_oldest(3);
	EXPECT_EQ(dirty.room(), 3u);
	EXPECT_EQ(dirty.data()[0].offset, 3000u);
	EXPECT_FALSE(covers(dirty, 1, 2000));
	for (uint64_t i = 3; i < DirtyRanges::kCapacity; i++)
		EXPECT_TRUE(covers(dirty, 1, i * 1000));
	dirty.remove_oldest(dirty.size());
	EXPECT_TRUE(dirty.empty());
}

TEST(DirtyRanges, ForgetsWhatIsRemovedAndNothingElse)
{
	for (unsigned seed = 0; seed < 50; seed++) {
		std::mt19937_64 random(seed);
		DirtyRanges dirty;
		std::set<std::pair<uint64_t, uint64_t>> written;
		for (int i = 0; i < 400; i++) {
			uint64_t token = random() % 3;
			wire::Range range{token, random() % 3000,
					  random() % 40};
			bool removed = random() % 2;
			if (removed)
				dirty.remove(range);
			else
				ASSERT_TRUE(dirty.add(range));
			for (uint64_t b = 0; b < range.length; b++) {
				if (removed)
					written.erase(
						{token, range.offset + b});
				else
					written.insert(
						{token, range.offset + b});
			}
		}
		for (const auto &[token, byte] : written) {
			ASSERT_TRUE(covers(dirty, token, byte))
				<< "seed " << seed;
			ASSERT_TRUE(dirty.overlaps({token, byte, 1}));
			wire::Range bounds = dirty.bounds(token);
			ASSERT_TRUE(bounds.offset <= byte &&
				    byte < bounds.offset + bounds.length);
		}
	}
}

TEST(DirtyRanges, RemovesAtBothEndsButNotInTheMiddle)
{
	DirtyRanges dirty;
	ASSERT_TRUE(dirty.add({1, 100, 100}));
	dirty.remove({2, 0, 1000});
	dirty.remove({1, 90, 20});
	dirty.remove({1, 190, 20});
	dirty.remove({1, 140, 10});
	EXPECT_EQ(dirty.bounds(1).offset, 110u);
	EXPECT_EQ(dirty.bounds(1).length, 80u);
	EXPECT_FALSE(dirty.overlaps({1, 100, 10}));
	EXPECT_FALSE(dirty.overlaps({1, 190, 10}));
	EXPECT_EQ(dirty.bounds(2).length, 0u);
	dirty.remove({1, 110, 80});
	EXPECT_TRUE(dirty.empty());
}

TEST(DirtyRanges, NeverForgetsAByte)
{
	for (unsigned seed = 0; seed < 50; seed++) {
		std::mt19937_64 random(seed);
		DirtyRanges dirty;
		std::set<std::pair<uint64_t, uint64_t>> written;
		for (int i = 0; i < 1000; i++) {
			uint64_t token = random() % 3;
			uint64_t offset = random() % 100000;
			uint64_t length = random() % 20;
			ASSERT_TRUE(dirty.add({token, offset, length}));
			for (uint64_t b = 0; b < length; b++)
				written.insert({token, offset + b});
		}
		for (const auto &[token, byte] : written)
			ASSERT_TRUE(covers(dirty, token, byte))
				<< "seed " << seed;
	}
}

} // namespace ofi_pmem::test
