/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/expected_blocks.hh"

#include <gtest/gtest.h>

namespace ofi_pmem::test
{

namespace
{

ExpectedBlock block(uint64_t token, uint64_t offset, uint64_t len)
{
	return {{token, offset, len}, DigestAlgorithm::crc32c, {}};
}

/* Three blocks of one write, and one of another region. */
class ExpectedBlocksTest : public ::testing::Test
{
protected:
	using Offsets = std::vector<uint64_t>;

	ExpectedBlocksTest()
	{
		blocks_.add({block(1, 100, 50), block(1, 150, 50),
			     block(1, 200, 10), block(2, 150, 50)});
	}

	Offsets left()
	{
		std::vector<ExpectedBlock> taken;
		blocks_.take_all(&taken);
		EXPECT_TRUE(blocks_.empty());
		return offsets(taken);
	}

	Offsets taken(const wire::Range &range)
	{
		std::vector<ExpectedBlock> taken;
		blocks_.take(range, &taken);
		return offsets(taken);
	}

	static Offsets offsets(const std::vector<ExpectedBlock> &blocks)
	{
		Offsets all;
		for (const ExpectedBlock &one : blocks)
			all.push_back(one.range.token * 1000 +
				      one.range.offset);
		return all;
	}

	ExpectedBlocks blocks_;
};

} // namespace

TEST_F(ExpectedBlocksTest, AllAreTakenByPlace)
{
	EXPECT_EQ(left(), (Offsets{1100, 1150, 1200, 2150}));
	EXPECT_EQ(left(), Offsets{});
}

TEST_F(ExpectedBlocksTest, OneChangedByteVoidsItsBlock)
{
	blocks_.forget({1, 199, 1});
	EXPECT_EQ(left(), (Offsets{1100, 1200, 2150}));
}

TEST_F(ExpectedBlocksTest, ChangesBesideABlockDoNot)
{
	blocks_.forget({1, 50, 50});
	blocks_.forget({1, 210, 1000});
	blocks_.forget({3, 0, 1000});
	EXPECT_EQ(left(), (Offsets{1100, 1150, 1200, 2150}));
}

TEST_F(ExpectedBlocksTest, AChangeMayReachOverMany)
{
	blocks_.forget({1, 149, 52});
	EXPECT_EQ(left(), Offsets{2150});
}

TEST_F(ExpectedBlocksTest, OfARangeThoseThatLieWhollyInItAreTaken)
{
	EXPECT_EQ(taken({1, 101, 108}), Offsets{1150});
	EXPECT_EQ(left(), (Offsets{1100, 1200, 2150}));
}

TEST_F(ExpectedBlocksTest, OfAWholeRegionAllItsBlocksAreTaken)
{
	EXPECT_EQ(taken({1, 0, 1000}), (Offsets{1100, 1150, 1200}));
	EXPECT_EQ(left(), Offsets{2150});
}

TEST_F(ExpectedBlocksTest, HasRoomForSoManyAndNotMore)
{
	EXPECT_TRUE(blocks_.has_room(ExpectedBlocks::kCapacity - 4));
	EXPECT_FALSE(blocks_.has_room(ExpectedBlocks::kCapacity - 3));
	EXPECT_FALSE(blocks_.has_room(SIZE_MAX));
}

} // namespace ofi_pmem::test
