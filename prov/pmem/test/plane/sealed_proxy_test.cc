/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An adversary on the path changes what travels: no byte is stored that was not
 * sealed so and there, and no operation completes that was not acknowledged.
 */
#include "fixture/proxy.hh"
#include "fixture/sealed_fixture.hh"

#include <rdma/fi_errno.h>

#include <algorithm>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

using From = Proxy::From;
using Unit = Proxy::Unit;
using Units = std::vector<Unit>;

/* The units of a connection: two or three in clear, then the Resolve and its
 * answer, then the first operation. */
constexpr size_t kHello = 0, kOffer = 1;
constexpr size_t kHelloAck = 0, kChallenge = 1, kAccepted = 2;
constexpr size_t kWrite = 3, kAck = 4;

class SealedProxy : public SealedFixture
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_CONNECT_TIMEOUT_MS", "1000");
		set_param("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", "300");
		SealedFixture::SetUp();
		share_key(kId);
		medium_ = &media_.emplace_back(kRegionLen);
		uint64_t key = add_sealed(medium_);
		proxy_ = std::make_unique<Proxy>(service_->port());
		key_ = Key(proxy_->port(), Key(key).token()).value();
	}

	void TearDown() override
	{
		channels_.reset();
		proxy_.reset();
		SealedFixture::TearDown();
	}

	/* Changes one unit of the next connections. */
	void change(From from, size_t number, std::function<void(Units *)> how)
	{
		proxy_->set([=](From sender, size_t at, Units *units) {
			if (sender == from && at == number)
				how(units);
		});
	}

	/* One commit on a new connection; 0 or a positive fi_errno. */
	int commit(uint64_t value)
	{
		channels_->drop(0);
		value_ = value;
		ssize_t ret = submit(kCommit, &value_, sizeof(value_), 0, key_);
		return ret ? static_cast<int>(-ret) : wait().failure.err;
	}

	uint64_t stored() const
	{
		std::lock_guard guard(medium_->mutex);
		uint64_t value = 0;
		std::memcpy(&value, medium_->visible.data(), sizeof(value));
		return value;
	}

	/* Records a good connection's units of one side. */
	Units record(From from)
	{
		Units all;
		proxy_->set([&](From sender, size_t, Units *units) {
			if (sender == from)
				all.push_back(units->front());
		});
		EXPECT_EQ(commit(1), 0);
		proxy_->set(nullptr);
		return all;
	}

	/*
	 * In the bytes from `begin` to `end`, or to the last one. Of a length,
	 * which stands in the same place everywhere, a few bits do: the other
	 * side waits in vain for what is missing.
	 */
	void expect_each_bit_counts(From from, size_t number, bool stores,
				    size_t begin = 0, size_t end = SIZE_MAX)
	{
		Units good = record(from);
		ASSERT_GT(good.size(), number);
		end = std::min(end, good[number].size());
		for (size_t bit = begin * 8; bit < end * 8; bit++) {
			if (bit / 32 == 1 && bit % 8)
				continue;
			change(from, number, [bit](Units *units) {
				units->front()[bit / 8] ^=
					static_cast<uint8_t>(1 << bit % 8);
			});
			ASSERT_NE(commit(2 + bit), 0) << "bit " << bit;
			if (!stores) {
				ASSERT_EQ(stored(), 1u) << "bit " << bit;
			}
		}
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint64_t value_ = 0;
	std::unique_ptr<Proxy> proxy_;
};

TEST_F(SealedProxy, PassesWhatIsNotChanged)
{
	EXPECT_EQ(record(From::initiator).size(), kWrite + 1);
	EXPECT_EQ(record(From::target).size(), kAck + 1);
	EXPECT_EQ(stored(), 1u);
}

TEST_F(SealedProxy, EachBitOfAWriteCounts)
{
	expect_each_bit_counts(From::initiator, kWrite, false);
}

TEST_F(SealedProxy, EachBitOfAnAckCounts)
{
	expect_each_bit_counts(From::target, kAck, true);
}

/* Also what is not used: the transcript is part of the proofs. Here no auth_key
 * is proven. */
TEST_F(SealedProxy, EachBitOfTheOfferCounts)
{
	expect_each_bit_counts(From::initiator, kOffer, false, 0,
			       offsetof(wire::SealOffer, auth_proof));
	expect_each_bit_counts(From::initiator, kOffer, false,
			       offsetof(wire::SealOffer, key_proof));
}

TEST_F(SealedProxy, EachBitOfTheHelloCounts)
{
	expect_each_bit_counts(From::initiator, kHello, false);
}

TEST_F(SealedProxy, EachBitOfTheHelloAckCounts)
{
	expect_each_bit_counts(From::target, kHelloAck, false);
}

TEST_F(SealedProxy, EachBitOfTheProofInTheAcceptanceCounts)
{
	expect_each_bit_counts(From::target, kAccepted, false,
			       offsetof(wire::SealAccepted, key_proof));
}

TEST_F(SealedProxy, EachBitOfTheChallengesNumberCounts)
{
	expect_each_bit_counts(From::target, kChallenge, false,
			       offsetof(wire::Challenge, nonce));
}

TEST_F(SealedProxy, DroppedWriteIsNeitherStoredNorCompleted)
{
	ASSERT_EQ(commit(1), 0);
	change(From::initiator, kWrite, [](Units *units) { units->clear(); });
	EXPECT_EQ(commit(2), FI_ETIMEDOUT);
	EXPECT_EQ(stored(), 1u);
}

TEST_F(SealedProxy, DroppedAckCompletesNothing)
{
	change(From::target, kAck, [](Units *units) { units->clear(); });
	EXPECT_EQ(commit(2), FI_ETIMEDOUT);
}

/* The record that comes instead is not the next one. */
TEST_F(SealedProxy, RecordAfterADroppedOneIsRefused)
{
	ASSERT_EQ(commit(1), 0);
	change(From::initiator, kWrite, [](Units *units) { units->clear(); });
	channels_->drop(0);
	value_ = 2;
	uint64_t other = 3;
	ASSERT_EQ(submit(kCommit, &value_, sizeof(value_), 0, key_), 0);
	ASSERT_EQ(submit(kCommit, &other, sizeof(other), 0, key_), 0);
	EXPECT_NE(wait().failure.err, 0);
	EXPECT_NE(wait().failure.err, 0);
	EXPECT_EQ(stored(), 1u);
}

TEST_F(SealedProxy, RecordIsTakenOnce)
{
	change(From::initiator, kWrite,
	       [](Units *units) { units->push_back(units->front()); });
	/* The first of the two is good; the second ends the connection. */
	static_cast<void>(commit(2));
	uint64_t other = 3;
	value_ = 3;
	ssize_t ret = try_submit(kCommit, &other, sizeof(other), 0, key_);
	if (!ret) {
		EXPECT_NE(wait().failure.err, 0);
	}
	EXPECT_EQ(stored(), 2u);
}

TEST_F(SealedProxy, TruncatedRecordIsNotStored)
{
	ASSERT_EQ(commit(1), 0);
	for (size_t cut : {1, 16, 17, 40}) {
		change(From::initiator, kWrite, [cut](Units *units) {
			units->front().resize(units->front().size() - cut);
		});
		EXPECT_NE(commit(2), 0);
		EXPECT_EQ(stored(), 1u);
	}
}

/* Of the same key, but of an earlier connection. */
TEST_F(SealedProxy, RecordOfAnotherConnectionIsRefused)
{
	Units earlier = record(From::initiator);
	ASSERT_EQ(commit(5), 0);
	change(From::initiator, kWrite,
	       [&](Units *units) { units->front() = earlier[kWrite]; });
	EXPECT_NE(commit(6), 0);
	EXPECT_EQ(stored(), 5u);
}

TEST_F(SealedProxy, AckOfAnotherConnectionIsRefused)
{
	Units earlier = record(From::target);
	change(From::target, kAck,
	       [&](Units *units) { units->front() = earlier[kAck]; });
	EXPECT_NE(commit(6), 0);
}

/* A whole connection, played again. */
TEST_F(SealedProxy, OfferOfAnEarlierConnectionIsRefused)
{
	Units earlier = record(From::initiator);
	change(From::initiator, kOffer,
	       [&](Units *units) { units->front() = earlier[kOffer]; });
	EXPECT_EQ(commit(6), FI_EKEYREJECTED);
	EXPECT_EQ(stored(), 1u);
}

/*
 * The same for what the target said, to a channel that connects again and so
 * says the same, but for its random number.
 */
TEST_F(SealedProxy, TargetOfAnEarlierConnectionIsRefused)
{
	Units earlier = record(From::target);
	service_->disconnect_removed(); /* nothing: the key is there */
	proxy_->set([&](From sender, size_t number, Units *units) {
		if (sender == From::target && number < earlier.size())
			units->front() = earlier[number];
		if (sender == From::initiator && number > kOffer)
			units->clear();
	});
	restart_service();
	value_ = 2;
	ssize_t ret;
	do {
		ret = submit(kCommit, &value_, sizeof(value_), 0, key_);
	} while (!ret && wait().failure.err == FI_ECONNRESET);
	EXPECT_EQ(ret, -FI_EKEYREJECTED);
	EXPECT_EQ(stored(), 1u);
}

/* Both directions have keys of their own. */
TEST_F(SealedProxy, OwnRecordIsNoAnswer)
{
	Unit resolve;
	proxy_->set([&](From sender, size_t number, Units *units) {
		if (sender == From::initiator && number == kOffer + 1)
			resolve = units->front();
		if (sender == From::target && number == kAccepted + 1)
			units->front() = resolve;
	});
	EXPECT_NE(commit(6), 0);
}

TEST_F(SealedProxy, NothingInClearFollowsTheAcceptance)
{
	auto forged = wire::make<wire::Ack>(1, 0);
	auto bytes = reinterpret_cast<const uint8_t *>(&forged);
	change(From::target, kAccepted, [&](Units *units) {
		units->emplace_back(bytes, bytes + sizeof(forged));
	});
	EXPECT_NE(commit(2), 0);
	EXPECT_EQ(stored(), 0u);
}

/* Asking for less is no way to get less. */
TEST_F(SealedProxy, SealCannotBeStrippedFromTheHello)
{
	change(From::initiator, kHello, [](Units *units) {
		units->front()[offsetof(wire::Header, flags)] &=
			static_cast<uint8_t>(~wire::kSeal);
	});
	EXPECT_EQ(commit(2), FI_ENOPROTOOPT);
	EXPECT_EQ(stored(), 0u);
}

TEST_F(SealedProxy, MarkersDoNotTravel)
{
	const std::string marker = "a marker that nobody else has";
	std::string seen;
	bool in_clear = false;
	proxy_->set([&](From from, size_t number, Units *units) {
		if (Proxy::in_clear(from, number))
			return;
		for (const Unit &one : *units)
			seen.append(one.begin(), one.end());
		in_clear |= seen.find(marker) != std::string::npos;
	});
	std::string sent = marker, back(marker.size(), ' ');
	ASSERT_EQ(submit(kCommit, sent.data(), sent.size(), 0, key_), 0);
	EXPECT_EQ(wait().failure.err, 0);
	ASSERT_EQ(submit(kRead, back.data(), back.size(), 0, key_), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(back, marker);
	EXPECT_FALSE(in_clear);
	uint64_t token = Key(key_).token();
	auto bytes = reinterpret_cast<const char *>(&token);
	EXPECT_EQ(seen.find(std::string(bytes, sizeof(token))),
		  std::string::npos);
	EXPECT_GT(seen.size(), 4 * marker.size());
	proxy_->set(nullptr);
}

} // namespace
