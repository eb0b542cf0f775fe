/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check the order of turns, by default and by a policy.
 */
#include "core/ready_queue.hh"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ofi_pmem
{

namespace
{

struct Customer : Turn<Customer> {
	explicit Customer(int customer_rank) : rank(customer_rank) {}
	int rank;
};

/* The highest rank is next, and its rank is its budget. */
class ByRank final : public TurnPolicy<Customer>
{
public:
	size_t budget(const Customer &one) noexcept override
	{
		return static_cast<size_t>(one.rank);
	}
	Customer *next(const ReadyQueue<Customer> &ready) noexcept override
	{
		Customer *best = ready.first();
		for (Customer *one = best; one; one = ready.after(one)) {
			if (one->rank > best->rank)
				best = one;
		}
		return best;
	}
};

class ReadyQueueTest : public ::testing::Test
{
protected:
	std::vector<int> take_all()
	{
		std::vector<int> ranks;
		while (Customer *taken = queue.take())
			ranks.push_back(taken->rank);
		return ranks;
	}

	Customer one{1};
	Customer two{2};
	Customer three{3};
	ReadyQueue<Customer> queue;
};

using Ranks = std::vector<int>;

TEST_F(ReadyQueueTest, IsFirstInFirstOut)
{
	queue.add(&two);
	queue.add(&three);
	queue.add(&one);
	queue.add(&two); /* is ready already */
	EXPECT_EQ(queue.size(), 3u);
	EXPECT_EQ(queue.budget(one), TurnPolicy<Customer>::kUnlimited);
	EXPECT_EQ(take_all(), (Ranks{2, 3, 1}));
	EXPECT_TRUE(queue.empty());
}

TEST_F(ReadyQueueTest, PolicyChoosesTheNextAndItsBudget)
{
	queue.set_policy(std::make_unique<ByRank>());
	queue.add(&two);
	queue.add(&three);
	queue.add(&one);
	EXPECT_EQ(queue.budget(two), 2u);
	EXPECT_EQ(take_all(), (Ranks{3, 2, 1}));
}

TEST_F(ReadyQueueTest, ParkedWaitsForItsReason)
{
	queue.park(&one, Wait::turn);
	queue.park(&two, Wait::sends);
	queue.park(&three, Wait::turn);
	EXPECT_EQ(queue.take(), nullptr);
	EXPECT_TRUE(queue.any_parked(Wait::sends));
	EXPECT_EQ(queue.unpark(Wait::sends), &two);
	EXPECT_FALSE(queue.any_parked(Wait::sends));
	EXPECT_EQ(queue.unpark(Wait::turn), &one);
	EXPECT_EQ(take_all(), (Ranks{2, 1}));
	EXPECT_EQ(queue.unpark(Wait::turn), &three);
	EXPECT_EQ(queue.unpark(Wait::turn), nullptr);
}

TEST_F(ReadyQueueTest, ParkingAgainChangesTheReason)
{
	queue.park(&one, Wait::turn);
	queue.park(&one, Wait::sends);
	EXPECT_EQ(queue.unpark(Wait::turn), nullptr);
	EXPECT_EQ(queue.unpark(Wait::sends), &one);
}

TEST_F(ReadyQueueTest, WhatIsRemovedHasNoTurn)
{
	queue.add(&one);
	queue.add(&two);
	queue.add(&three);
	queue.park(&two, Wait::turn);
	queue.remove(&two);
	queue.remove(&one);
	queue.remove(&one);
	EXPECT_EQ(queue.unpark(Wait::turn), nullptr);
	EXPECT_EQ(take_all(), (Ranks{3}));
}

} // namespace

} // namespace ofi_pmem
