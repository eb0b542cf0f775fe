/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/guess_limit.hh"

#include "fixture/raw_peer.hh"

namespace ofi_pmem::test
{

namespace
{

using std::chrono::seconds;

int taken_at(GuessLimit *limit, GuessLimit::Time now)
{
	int taken = 0;
	while (limit->take(now))
		taken++;
	return taken;
}

TEST(GuessLimit, ABurstThenSoManyASecond)
{
	GuessLimit limit;
	auto now = GuessLimit::Time(seconds(1000));
	EXPECT_EQ(taken_at(&limit, now), GuessLimit::kBurst);
	EXPECT_EQ(taken_at(&limit, now), 0);
	EXPECT_EQ(taken_at(&limit, now + seconds(1)), GuessLimit::kPerSecond);
	EXPECT_EQ(taken_at(&limit, now + seconds(1000)), GuessLimit::kBurst);
}

class Guesser : public PlaneFixture
{
protected:
	/* Asks for keys that nobody has; how many were answered. */
	int guess_until_disconnected()
	{
		RawPeer peer(*transport_, service_->port());
		peer.greet();
		auto message = wire::make<wire::Resolve>(0, 0);
		int answered = 0;
		do {
			message.header.sequence++;
			message.token = message.header.sequence;
			peer.send(message);
		} while (!peer.receive().empty() && ++answered < 100000);
		return answered;
	}
};

TEST_F(Guesser, IsDisconnectedAndOthersAreNot)
{
	FakeMedium *medium = &media_.emplace_back(kRegionLen);
	uint64_t key = add_region(medium);
	uint64_t value = 1;
	ASSERT_EQ(submit(kCommit, &value, sizeof(value), 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);

	EXPECT_GE(guess_until_disconnected(), GuessLimit::kBurst);
	/* The next connection has no burst of its own. */
	EXPECT_LT(guess_until_disconnected(), GuessLimit::kBurst);

	value = 2;
	ASSERT_EQ(submit(kCommit, &value, sizeof(value), 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	ChannelTable another(initiator_.get(), &owner_);
	another.open(1);
	EXPECT_EQ(until_taken([&] {
			  RemoteRegion region;
			  return another.query(0, Key(key), &region);
		  }),
		  0);
}

} // namespace

} // namespace ofi_pmem::test
