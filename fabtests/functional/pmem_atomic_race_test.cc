/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Processes that race with atomics on one word of a persistent region: none is
 * lost, none is executed twice.
 */
#include "common/atomics.hh"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 64 << 10;

/* A child that races: it adds 1 this many times, and reports what it found. */
struct Race {
	Address address;
	RemoteRegion region;
	uint64_t count = 0;
	uint64_t flags = 0;
	bool by_swap = false;
};

uint64_t increment_by_swap(Initiator &initiator, const Race &race)
{
	uint64_t expected = 0;
	for (;;) {
		AtomicCall swap(initiator, race.region, 0, FI_UINT64, FI_CSWAP);
		uint64_t value = expected + 1;
		uint64_t was = 0;
		initiator.expect_success(swap.swap(initiator, &value, &expected,
						   &was, race.flags),
					 &swap.context);
		if (was == expected)
			return was;
		expected = was;
	}
}

uint64_t increment(Initiator &initiator, const Race &race)
{
	AtomicCall add(initiator, race.region, 0, FI_UINT64, FI_SUM);
	uint64_t one = 1;
	uint64_t was = 0;
	initiator.expect_success(add.fetch(initiator, &one, &was, race.flags),
				 &add.context);
	return was;
}

int race_main(int control)
{
	Race race;
	if (recv(control, &race, sizeof(race), 0) != sizeof(race))
		return 1;
	Initiator initiator(atomic_options());
	initiator.node().connect(race.address);
	std::vector<uint64_t> found;
	for (uint64_t i = 0; i < race.count; i++)
		found.push_back(race.by_swap
					? increment_by_swap(initiator, race)
					: increment(initiator, race));
	auto len = static_cast<ssize_t>(found.size() * sizeof(found[0]));
	return send(control, found.data(), found.size() * sizeof(found[0]),
		    0) != len;
}

/* Each of `racers` processes adds `count`; every value was found once. */
void expect_exact_race(Race race, size_t racers)
{
	std::vector<std::unique_ptr<Child>> children;
	for (size_t i = 0; i < racers; i++) {
		children.push_back(
			std::make_unique<Child>(race_main, ChildOptions()));
		ASSERT_EQ(send(children[i]->control(), &race, sizeof(race), 0),
			  static_cast<ssize_t>(sizeof(race)));
	}
	std::vector<uint64_t> all;
	for (auto &child : children) {
		std::vector<uint64_t> found(race.count);
		auto len = static_cast<ssize_t>(race.count * sizeof(found[0]));
		ASSERT_EQ(recv(child->control(), found.data(),
			       race.count * sizeof(found[0]), 0),
			  len);
		EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
		all.insert(all.end(), found.begin(), found.end());
		EXPECT_EQ(child->wait_exit(), 0);
	}
	std::sort(all.begin(), all.end());
	for (uint64_t i = 0; i < all.size(); i++)
		ASSERT_EQ(all[i], i);
}

class PmemAtomicRace : public testing::TestWithParam<Memory>
{
protected:
	PmemAtomicRace()
		: file(kRegionLen), target(Stack::rdm, GetParam()),
		  region(target.add_file(file.path(), kRegionLen))
	{
	}

	uint64_t value()
	{
		Initiator reader(Stack::rdm);
		target.connect(reader.node());
		return word(reader.read_and_wait(region, 0, 8));
	}

	/* Returns what is left if the target loses power now. */
	uint64_t durable_value()
	{
		target.kill();
		return word(file.read(0, 8));
	}

	static uint64_t word(const Bytes &bytes)
	{
		uint64_t found;
		memcpy(&found, bytes.data(), sizeof(found));
		return found;
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
};

TEST_P(PmemAtomicRace, FetchAddsAreExact)
{
	Race race{target.address(), region, 1000, FI_COMPLETION, false};
	expect_exact_race(race, 3);
	EXPECT_EQ(value(), 3000u);
}

TEST_P(PmemAtomicRace, CommittedFetchAddsAreExactAndDurable)
{
	Race race{target.address(), region, 200,
		  FI_COMPLETION | FI_COMMIT_COMPLETE, false};
	expect_exact_race(race, 2);
	EXPECT_EQ(durable_value(), 400u);
}

TEST_P(PmemAtomicRace, CompareAndSwapsAreExact)
{
	Race race{target.address(), region, 300, FI_COMPLETION, true};
	expect_exact_race(race, 2);
	EXPECT_EQ(value(), 600u);
}

INSTANTIATE_TEST_SUITE_P(Memories, PmemAtomicRace,
			 testing::ValuesIn(memories()), CaseName());

} // namespace
