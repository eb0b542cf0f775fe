/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "torture/content.hh"
#include "torture/model.hh"

#include <gtest/gtest.h>

#include <cstring>

using namespace fi_pmem;

namespace
{

constexpr uint64_t kSize = 32768;
constexpr uint64_t kData = kTortureFirstArea + kTorturePointers;
using Kind = TortureKind;
using Outcome = TortureOutcome;

/* One initiator, whose operations a test lists and stores. */
class TortureModel : public testing::Test
{
protected:
	TortureModel() : base_(kSize, 0xbb), found_(base_)
	{
		record_.salt = 4711;
		TortureActor actor;
		actor.begin = kTortureFirstArea;
		actor.length = 8192;
		round_.actors.push_back(actor);
	}

	uint32_t add(Kind kind, Outcome outcome, uint64_t offset = 0,
		     uint32_t length = 0, uint8_t bit = 0)
	{
		TortureOp op;
		op.number = static_cast<uint32_t>(record_.outcomes.size());
		op.kind = kind;
		op.offset = offset;
		op.length = length;
		op.bit = bit;
		round_.actors[0].ops.push_back(op);
		record_.outcomes.push_back(outcome);
		return op.number;
	}

	/* Its first bytes get onto the medium. */
	void store(uint32_t number, uint32_t bytes = UINT32_MAX)
	{
		const TortureOp &op = round_.actors[0].ops[number];
		fill_content(record_.salt, number, op.offset,
			     &found_[op.offset], std::min(bytes, op.length));
	}

	void set_bit(uint64_t word, unsigned bit)
	{
		found_[8 * word + bit / 8] ^=
			static_cast<uint8_t>(1 << bit % 8);
	}

	TortureCheck check(bool known = true)
	{
		TortureCheck check;
		check_medium(round_, record_, known ? base_.data() : nullptr,
			     found_.data(), &check);
		return check;
	}

	std::vector<uint8_t> base_;
	std::vector<uint8_t> found_;
	TortureRound round_;
	TortureRecord record_;
};

TEST_F(TortureModel, NothingDoneNothingLost)
{
	TortureCheck found = check();
	EXPECT_EQ(found.lost_bytes, 0U);
	EXPECT_EQ(found.checked_bytes, 0U);
}

TEST_F(TortureModel, AnAcknowledgedCommitIsThere)
{
	uint32_t commit = add(Kind::commit, Outcome::acked, kData, 1000);
	TortureCheck lost = check();
	EXPECT_GT(lost.lost_bytes, 980U); /* some are like the base */
	ASSERT_FALSE(lost.losses.empty());
	EXPECT_EQ(lost.losses[0].lost, commit);
	EXPECT_EQ(lost.losses[0].promised, commit);
	EXPECT_TRUE(lost.losses[0].acked);
	EXPECT_TRUE(lost.losses[0].found_before);
	store(commit);
	TortureCheck good = check();
	EXPECT_EQ(good.lost_bytes, 0U);
	EXPECT_EQ(good.checked_bytes, 1000U);
}

TEST_F(TortureModel, WhatIsNotAcknowledgedMayBeThereInPart)
{
	uint32_t write = add(Kind::write, Outcome::acked, kData, 1000);
	add(Kind::commit, Outcome::issued, kData + 2000, 1000);
	uint32_t failed =
		add(Kind::commit, Outcome::failed, kData + 4000, 1000);
	EXPECT_EQ(check().lost_bytes, 0U);
	store(write, 500);
	store(failed, 300);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, WhatWasNeverIssuedIsNotThere)
{
	uint32_t write = add(Kind::write, Outcome::unissued, kData, 1000);
	store(write);
	TortureCheck lost = check();
	EXPECT_GT(lost.lost_bytes, 900U);
	EXPECT_NE(lost.losses[0].text().find("never written"),
		  std::string::npos);
}

TEST_F(TortureModel, ALaterWriteMayHaveReplacedIt)
{
	uint32_t commit = add(Kind::commit, Outcome::acked, kData, 1000);
	uint32_t later = add(Kind::write, Outcome::issued, kData, 500);
	store(commit);
	store(later, 200);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, AnEarlierWriteMayNot)
{
	uint32_t before = add(Kind::write, Outcome::acked, kData, 500);
	uint32_t commit = add(Kind::commit, Outcome::acked, kData, 1000);
	store(commit);
	store(before);
	TortureCheck lost = check();
	EXPECT_GT(lost.lost_bytes, 480U);
	EXPECT_EQ(lost.losses[0].found, before);
}

TEST_F(TortureModel, FlushesPromiseTheirRange)
{
	uint32_t write = add(Kind::write, Outcome::acked, kData, 1000);
	add(Kind::flush, Outcome::acked, kData + 100, 100);
	EXPECT_GT(check().lost_bytes, 90U);
	EXPECT_LE(check().lost_bytes, 100U);
	store(write, 200);
	EXPECT_EQ(check().lost_bytes, 0U);
	add(Kind::flush_region, Outcome::acked);
	EXPECT_GT(check().lost_bytes, 780U);
	store(write);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, AFlushSaysNothingOfAWriteThatFailed)
{
	add(Kind::write, Outcome::failed, kData, 1000);
	add(Kind::flush, Outcome::acked, kData, 1000);
	add(Kind::flush_region, Outcome::acked);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, AFenceDoes)
{
	add(Kind::write, Outcome::failed, kData, 1000);
	add(Kind::drain, Outcome::acked);
	EXPECT_GT(check().lost_bytes, 980U);
}

/* The fence has reported the failure, once. */
TEST_F(TortureModel, AFenceThatFailedEndsWhatTheNextOnePromises)
{
	uint32_t first = add(Kind::write, Outcome::acked, kData, 1000);
	add(Kind::drain, Outcome::acked);
	add(Kind::write, Outcome::acked, kData + 2000, 1000);
	add(Kind::drain, Outcome::failed);
	add(Kind::fenced, Outcome::failed, kData + 3000, 500);
	uint32_t last = add(Kind::write, Outcome::acked, kData + 4000, 1000);
	add(Kind::drain, Outcome::acked);
	EXPECT_GT(check().lost_bytes, 1950U);
	store(first);
	EXPECT_GT(check().lost_bytes, 980U);
	store(last);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, FencesPromiseAllBefore)
{
	for (Kind kind :
	     {Kind::fenced, Kind::ordered, Kind::drain, Kind::drain_all}) {
		record_.outcomes.clear();
		round_.actors[0].ops.clear();
		found_ = base_;
		add(Kind::write, Outcome::acked, kData, 1000);
		uint32_t fence = add(kind, Outcome::acked, kTortureFirstArea,
				     kind == Kind::fenced    ? 16
				     : kind == Kind::ordered ? 8
							     : 0);
		add(Kind::write, Outcome::acked, kData + 2000, 1000);
		store(fence);
		TortureCheck lost = check();
		EXPECT_GT(lost.lost_bytes, 980U);
		EXPECT_LE(lost.lost_bytes, 1000U);
		EXPECT_EQ(lost.losses[0].promised, fence);
	}
}

TEST_F(TortureModel, AFenceOnTheMediumPromisesAllBefore)
{
	uint32_t write = add(Kind::write, Outcome::failed, kData, 1000);
	uint32_t fence = add(Kind::fenced, Outcome::failed, kData + 500, 1000);
	EXPECT_EQ(check().lost_bytes, 0U);
	store(fence, 100);
	TortureCheck lost = check();
	EXPECT_GT(lost.lost_bytes, 800U); /* but those it may have changed */
	EXPECT_EQ(lost.losses[0].promised, fence);
	EXPECT_FALSE(lost.losses[0].acked);
	store(write);
	store(fence, 100);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, OrderedWritesAreWhole)
{
	uint32_t ordered =
		add(Kind::ordered, Outcome::issued, kTortureFirstArea + 8, 8);
	EXPECT_EQ(check().lost_bytes, 0U);
	store(ordered, 4);
	EXPECT_GT(check().lost_bytes, 0U);
	store(ordered);
	EXPECT_EQ(check().lost_bytes, 0U);
}

TEST_F(TortureModel, WithoutABaseOnlyPromisesCount)
{
	memset(found_.data(), 0x11, kSize);
	EXPECT_EQ(check(false).lost_bytes, 0U);
	uint32_t commit = add(Kind::commit, Outcome::acked, kData, 1000);
	EXPECT_GT(check(false).lost_bytes, 980U);
	store(commit);
	EXPECT_EQ(check(false).lost_bytes, 0U);
}

TEST_F(TortureModel, AtomicsThatCommittedAreThere)
{
	add(Kind::atomic_commit, Outcome::acked, 16, 8, 33);
	TortureCheck lost = check();
	ASSERT_EQ(lost.losses.size(), 1U);
	EXPECT_EQ(lost.losses[0].begin, 16U);
	EXPECT_EQ(lost.losses[0].lost, 0U);
	set_bit(2, 33);
	EXPECT_EQ(check().lost_bytes, 0U);
	set_bit(2, 34); /* of no operation */
	EXPECT_EQ(check().lost_bytes, 8U);
}

TEST_F(TortureModel, AtomicsBeforeAFenceAreThere)
{
	add(Kind::atomic, Outcome::acked, 0, 8, 1);
	add(Kind::atomic, Outcome::issued, 0, 8, 2);
	EXPECT_EQ(check().lost_bytes, 0U);
	set_bit(0, 2);
	EXPECT_EQ(check().lost_bytes, 0U);
	add(Kind::drain, Outcome::acked);
	EXPECT_EQ(check().lost_bytes, 8U);
	set_bit(0, 1);
	EXPECT_EQ(check().lost_bytes, 0U);
}

} // namespace
