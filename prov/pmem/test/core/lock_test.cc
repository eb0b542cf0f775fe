/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The check of the lock order, which sanitizer builds apply to every mutex. */
#include "core/lock.hh"

#include <gtest/gtest.h>

#include <thread>

namespace ofi_pmem
{

namespace
{

using CheckedMutex = BasicMutex<CheckedOrder>;

constexpr LockRank kOuter{1, "Test::outer_"};
constexpr LockRank kInner{2, "Test::inner_"};

class LockOrder : public testing::Test
{
protected:
	LockOrder() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

	void take_inner_then_outer()
	{
		std::lock_guard first(inner_);
		std::lock_guard second(outer_);
	}

	CheckedMutex outer_{kOuter};
	CheckedMutex inner_{kInner};
	CheckedMutex second_inner_{kInner};
};

using LockOrderDeathTest = LockOrder;

TEST_F(LockOrder, TheListedOrderIsAllowedAgainAndAgain)
{
	for (int i = 0; i < 100; i++) {
		std::lock_guard first(outer_);
		std::lock_guard second(inner_);
		inner_.assert_held();
		outer_.assert_held();
	}
}

TEST_F(LockOrder, UnlockingInAnyOrderIsAllowed)
{
	outer_.lock();
	inner_.lock();
	outer_.unlock();
	inner_.assert_held();
	inner_.unlock();
	std::lock_guard again(outer_);
}

TEST_F(LockOrder, EachThreadHasItsOwn)
{
	std::lock_guard held(inner_);
	std::thread other([this] { std::lock_guard guard(outer_); });
	other.join();
}

TEST_F(LockOrderDeathTest, TheOppositeOrderAbortsWithBothNames)
{
	EXPECT_DEATH(take_inner_then_outer(),
		     "Test::outer_ is taken by a thread that holds "
		     "Test::inner_");
}

TEST_F(LockOrderDeathTest, TwoOfOneLevelAbort)
{
	std::lock_guard held(inner_);
	EXPECT_DEATH(second_inner_.lock(),
		     "Test::inner_ is taken by a thread that holds "
		     "Test::inner_");
}

TEST_F(LockOrderDeathTest, LockingTwiceAbortsInsteadOfBlocking)
{
	std::lock_guard held(inner_);
	EXPECT_DEATH(inner_.lock(), "Test::inner_ is taken");
}

TEST_F(LockOrderDeathTest, AnotherMutexOfTheSameRankIsNotTheOneNeeded)
{
	std::lock_guard held(second_inner_);
	EXPECT_DEATH(inner_.assert_held(), "Test::inner_ is needed");
}

TEST(Lock, WithoutTheCheckAMutexIsAStandardOne)
{
	EXPECT_EQ(sizeof(BasicMutex<UncheckedOrder>), sizeof(std::mutex));
}

} // namespace

} // namespace ofi_pmem
