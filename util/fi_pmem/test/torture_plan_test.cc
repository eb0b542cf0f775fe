/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "cli/number_set.hh"
#include "torture/journal.hh"
#include "torture/shrink.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace fi_pmem;

namespace
{

TortureParameters with_seed(uint64_t seed)
{
	TortureParameters parameters;
	parameters.seed = seed;
	return parameters;
}

TEST(TorturePlan, OfASeedIsAlwaysTheSame)
{
	std::string text = make_plan(with_seed(5)).text();
	EXPECT_EQ(make_plan(with_seed(5)).text(), text);
	EXPECT_NE(make_plan(with_seed(6)).text(), text);
}

TEST(TorturePlan, AreasOfInitiatorsDoNotOverlap)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		TorturePlan plan = make_plan(with_seed(seed));
		for (const TortureRound &round : plan.rounds) {
			std::set<uint64_t> begins;
			for (const TortureActor &actor : round.actors) {
				EXPECT_TRUE(begins.insert(actor.begin).second);
				EXPECT_GE(actor.begin, kTortureFirstArea);
				EXPECT_LE(actor.begin + actor.length,
					  plan.parameters.size);
				for (const TortureOp &op : actor.ops) {
					if (!op.length)
						continue;
					EXPECT_GE(op.offset, actor.begin);
					EXPECT_LE(op.offset + op.length,
						  actor.begin + actor.length);
				}
			}
		}
	}
}

TEST(TorturePlan, AtomicsHaveBitsOfTheirOwn)
{
	TortureParameters parameters = with_seed(1);
	parameters.atomics = true;
	parameters.ops = 5000;
	for (const TortureRound &round : make_plan(parameters).rounds) {
		std::set<std::pair<uint64_t, uint8_t>> bits;
		size_t atomics = 0;
		for (const TortureActor &actor : round.actors)
			for (const TortureOp &op : actor.ops) {
				if (!op.is_atomic())
					continue;
				atomics++;
				EXPECT_LT(op.offset, 8 * kTortureWords);
				EXPECT_TRUE(
					bits.emplace(op.offset, op.bit).second);
			}
		EXPECT_GT(atomics, 1000U);
	}
}

TEST(TorturePlan, KeepsSomeOperationsAsTheyWere)
{
	TorturePlan plan = make_plan(with_seed(2));
	std::string first = plan.rounds[1].actors.back().ops.back().text();
	uint32_t number = plan.rounds[1].actors.back().ops.back().number;
	plan.keep(NumberSet({number}));
	ASSERT_EQ(plan.rounds.size(), 1U);
	ASSERT_EQ(plan.rounds[0].actors.size(), 1U);
	EXPECT_EQ(plan.rounds[0].actors[0].ops[0].text(), first);
	EXPECT_EQ(plan.all_numbers(), std::vector<uint32_t>{number});
}

TEST(TorturePlan, FaultsAreThoseAskedFor)
{
	TortureParameters parameters = with_seed(3);
	parameters.faults = 0;
	for (const TortureRound &round : make_plan(parameters).rounds)
		for (const TortureActor &actor : round.actors)
			EXPECT_FALSE(actor.ends_target || actor.dies ||
				     actor.freezes_target);
}

TEST(TorturePlan, WrongParametersAreTold)
{
	TortureParameters parameters;
	EXPECT_EQ(check_parameters(parameters), "");
	parameters.size = 4096 + 6 * 8192;
	EXPECT_EQ(check_parameters(parameters), "");
	parameters.size--;
	EXPECT_NE(check_parameters(parameters), "");
	parameters = {};
	parameters.initiators = 0;
	EXPECT_NE(check_parameters(parameters), "");
	parameters = {};
	parameters.ops = parameters.rounds = 100000;
	EXPECT_NE(check_parameters(parameters), "");
}

TEST(NumberSet, IsWhatItsTextSays)
{
	NumberSet set;
	ASSERT_TRUE(set.parse("0,3-5,9"));
	std::vector<uint32_t> found;
	for (uint32_t i = 0; i < 12; i++)
		if (set.contains(i))
			found.push_back(i);
	EXPECT_EQ(found, (std::vector<uint32_t>{0, 3, 4, 5, 9}));
	EXPECT_EQ(NumberSet(found).text(), "0,3-5,9");
	for (const char *wrong : {"", "a", "1,", ",1", "3-2", "3,2", "1-", "-1",
				  "1 2", "5000000000"})
		EXPECT_FALSE(set.parse(wrong)) << wrong;
}

/* It fails as long as both are there. */
TEST(Shrink, FindsWhatMatters)
{
	std::vector<uint32_t> all(100);
	for (uint32_t i = 0; i < 100; i++)
		all[i] = i;
	uint64_t asked = 0;
	auto fails = [&](const std::vector<uint32_t> &some) {
		asked++;
		return std::count(some.begin(), some.end(), 17) &&
		       std::count(some.begin(), some.end(), 83);
	};
	EXPECT_EQ(shrink(all, fails, 1000), (std::vector<uint32_t>{17, 83}));
	EXPECT_LT(asked, 200U);
	asked = 0;
	EXPECT_GT(shrink(all, fails, 5).size(), 2U);
	EXPECT_EQ(asked, 5U);
	EXPECT_EQ(shrink({7}, fails, 5), std::vector<uint32_t>{7});
}

class Journal : public testing::Test
{
protected:
	Journal()
	{
		TortureParameters parameters = with_seed(9);
		parameters.size = 2 << 20;
		EXPECT_EQ(journal_.create("", parameters, 77), 0);
	}

	std::string text()
	{
		std::string all;
		EXPECT_EQ(journal_.read(&all), 0);
		return all;
	}

	TortureJournal journal_;
	TortureRecord record_;
};

TEST_F(Journal, TellsWhatWasNoted)
{
	EXPECT_EQ(journal_.note('p', 1), 0);
	EXPECT_EQ(journal_.note('p', 3), 0);
	EXPECT_EQ(journal_.note('a', 3), 0);
	EXPECT_EQ(journal_.note('p', 4), 0);
	EXPECT_EQ(journal_.note('f', 4, 5), 0);
	EXPECT_EQ(journal_.note('p', 5), 0);
	EXPECT_EQ(journal_.note('x', 5, 6), 0);
	EXPECT_EQ(journal_.size(), text().size());
	/* An unfinished line, as a crash leaves it, does not count. */
	ASSERT_EQ(parse_journal(text() + "a 1", &record_), "");
	EXPECT_EQ(record_.salt, 77U);
	EXPECT_EQ(record_.parameters.seed, 9U);
	EXPECT_EQ(record_.parameters.size, 2U << 20);
	EXPECT_EQ(record_.of(0), TortureOutcome::unissued);
	EXPECT_EQ(record_.of(1), TortureOutcome::issued);
	EXPECT_EQ(record_.of(3), TortureOutcome::acked);
	EXPECT_EQ(record_.of(4), TortureOutcome::failed);
	EXPECT_EQ(record_.of(5), TortureOutcome::failed);
	ASSERT_EQ(record_.findings.size(), 1U);
	EXPECT_EQ(record_.findings[0].number, 5U);
	EXPECT_EQ(record_.findings[0].value, 6U);
}

TEST_F(Journal, IsNotBelievedBlindly)
{
	std::string good = text();
	ASSERT_EQ(parse_journal(good, &record_), "");
	for (const char *wrong :
	     {"p 4000000", "a 1", "p", "p  1", "p 1 2", "p x", "q 1", "f 1", "",
	      "p 18446744073709551616"})
		EXPECT_NE(parse_journal(good + wrong + "\n", &record_), "")
			<< wrong;
	EXPECT_NE(parse_journal(good + "p 1\np 1\n", &record_), "");
	EXPECT_NE(parse_journal("", &record_), "");
	EXPECT_NE(parse_journal("{}\n", &record_), "");
	EXPECT_NE(parse_journal("{\"fi_pmem torture\": 2}\n", &record_), "");
	EXPECT_NE(parse_journal("{\"fi_pmem torture\": 1}\n", &record_), "");
	std::string large = good;
	large.replace(large.find("\"ops\":"), 6, "\"ops\":9999999");
	EXPECT_NE(parse_journal(large, &record_), "");
}

} // namespace
