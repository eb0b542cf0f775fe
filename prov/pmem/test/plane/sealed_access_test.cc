/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Who reaches a region: every kind of request, from initiators with and without
 * the right region key. They bypass our own initiator, which refuses most of
 * this itself.
 */
#include "fixture/raw_sealed_peer.hh"
#include "fixture/sealed_fixture.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <string>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

constexpr uint64_t kOther = 8;

/* What the peer has, and what the region accepts. */
struct Case {
	const char *name;
	bool sealed_region; /* it accepts key 7 */
	uint64_t peer_key;  /* 0: not sealed */
	bool accepted_before;
	int result;
};

const Case kCases[] = {
	{"RightKey", true, 7, false, 0},
	{"NoKey", true, 0, false, FI_EACCES},
	{"AnotherKey", true, kOther, false, FI_EACCES},
	{"KeyThatWasAccepted", true, kOther, true, FI_EACCES},
	{"SealedToAnUnsealedRegion", false, 7, false, FI_EACCES},
	{"UnsealedToAnUnsealedRegion", false, 0, false, 0},
};

class SealedAccess : public SealedFixture,
		     public testing::WithParamInterface<Case>
{
protected:
	void SetUp() override
	{
		SealedFixture::SetUp();
		share_key(kId);
		share_key(kOther);
		medium_ = &media_.emplace_back(kRegionLen);
		const Case &now = GetParam();
		key_ = add_sealed(medium_, now.sealed_region ? kId : 0);
		token_ = Key(key_).token();
		if (now.accepted_before) {
			ASSERT_EQ(table_.add_key(token_, kOther), 0);
			ASSERT_EQ(table_.remove_key(token_, kOther), 0);
		}
		peer_ = std::make_unique<RawSealedPeer>(*transport_,
							service_->port());
		if (now.peer_key)
			ASSERT_TRUE(peer_->seal(
				initiator_keys_.find(now.peer_key)));
		else
			peer_->greet();
	}

	/* Sends a request with what follows it; returns the answer. */
	template <typename Message>
	std::vector<uint8_t> ask(Message message, const void *rest = nullptr,
				 size_t len = 0)
	{
		message.header.sequence = ++sequence_;
		message.header.length += static_cast<uint32_t>(len);
		std::vector<uint8_t> bytes(sizeof(message) + len);
		std::memcpy(bytes.data(), &message, sizeof(message));
		if (len)
			std::memcpy(&bytes[sizeof(message)], rest, len);
		peer_->send(bytes.data(), bytes.size());
		return peer_->receive();
	}

	static int status(const std::vector<uint8_t> &answer)
	{
		wire::Ack ack;
		return wire::parse(answer.data(), answer.size(), &ack)
			       ? ack.status
			       : -1;
	}

	wire::Range range(uint64_t length = 8) const
	{
		return {token_, 0, length};
	}

	int expected() const { return GetParam().result; }
	/* The answer is another message than an Ack. */
	int answered() const { return expected() ? expected() : -1; }

	void expect_untouched() const
	{
		if (!expected())
			return;
		EXPECT_EQ(medium_->visible, std::vector<uint8_t>(kRegionLen));
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint64_t token_ = 0;
	uint64_t sequence_ = 0;
	std::unique_ptr<RawSealedPeer> peer_;
};

TEST_P(SealedAccess, Resolve)
{
	auto request = wire::make<wire::Resolve>(0, 0);
	request.token = token_;
	auto answer = ask(request);
	EXPECT_EQ(status(answer), answered());
	wire::Region info;
	if (wire::parse(answer.data(), answer.size(), &info)) {
		EXPECT_FALSE(info.one_sided);
	}
}

TEST_P(SealedAccess, WriteAndCommit)
{
	auto request =
		wire::make<wire::Write>(0, 1, wire::kFlush | wire::kCommit);
	request.token = token_;
	uint64_t value = 0x0123456789abcdef;
	EXPECT_EQ(status(ask(request, &value, sizeof(value))), expected());
	expect_untouched();
}

TEST_P(SealedAccess, LongWrite)
{
	auto request =
		wire::make<wire::Write>(0, 1, wire::kFlush | wire::kCommit);
	request.token = token_;
	std::vector<uint8_t> bytes(100000, 0xee);
	EXPECT_EQ(status(ask(request, bytes.data(), bytes.size())), expected());
	expect_untouched();
}

TEST_P(SealedAccess, Read)
{
	std::fill_n(medium_->visible.begin(), 16, 0x5a);
	auto request = wire::make<wire::Read>(0, 1);
	request.token = token_;
	request.length = 16;
	auto answer = ask(request);
	EXPECT_EQ(status(answer), answered());
	EXPECT_EQ(answer.size() == sizeof(wire::Data) + 16, !expected());
}

TEST_P(SealedAccess, Flush)
{
	auto request =
		wire::make<wire::Flush>(0, 1, wire::kCommit | wire::kFence);
	auto one = range();
	EXPECT_EQ(status(ask(request, &one, sizeof(one))), expected());
}

TEST_P(SealedAccess, Atomic)
{
	auto request = wire::make<wire::Atomic>(
		0, 1, wire::kFetch | wire::kFlush | wire::kCommit);
	request.datatype = FI_UINT64;
	request.op = FI_SUM;
	request.range_count = 1;
	struct {
		wire::Range range;
		uint64_t operand;
	} rest{range(), 5};
	EXPECT_EQ(status(ask(request, &rest, sizeof(rest))), answered());
	expect_untouched();
}

TEST_P(SealedAccess, Announce)
{
	auto request = wire::make<wire::Announce>(0, 1);
	auto one = range();
	EXPECT_EQ(status(ask(request, &one, sizeof(one))), expected());
}

TEST_P(SealedAccess, Digest)
{
	auto request = wire::make<wire::Verify>(0, 1);
	request.algorithm = static_cast<uint8_t>(DigestAlgorithm::crc32c);
	request.count = 1;
	auto one = range(4096);
	EXPECT_EQ(status(ask(request, &one, sizeof(one))), answered());
}

TEST_P(SealedAccess, Compare)
{
	auto request = wire::make<wire::Verify>(0, 1);
	request.algorithm = static_cast<uint8_t>(DigestAlgorithm::crc32c);
	request.count = 1;
	request.compare = 1;
	struct {
		wire::Range range;
		uint32_t digest;
	} __attribute__((packed)) rest{range(4096), 0};
	EXPECT_EQ(status(ask(request, &rest, sizeof(rest))), answered());
}

INSTANTIATE_TEST_SUITE_P(Peers, SealedAccess, testing::ValuesIn(kCases),
			 [](const auto &one) {
				 return std::string(one.param.name);
			 });

/* What a peer without the right key meets before it can ask for anything. */
class SealedGreeting : public SealedFixture
{
protected:
	void SetUp() override
	{
		SealedFixture::SetUp();
		share_key(kId);
		add_key(&strangers_, kId, 200);
		add_key(&strangers_, 9, 9);
	}

	KeyRing strangers_;
};

TEST_F(SealedGreeting, RefusesOtherBytes)
{
	RawSealedPeer peer(*transport_, service_->port());
	EXPECT_FALSE(peer.seal(strangers_.find(kId)));
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(SealedGreeting, RefusesAnUnknownId)
{
	RawSealedPeer peer(*transport_, service_->port());
	EXPECT_FALSE(peer.seal(strangers_.find(9)));
}

TEST_F(SealedGreeting, RefusesARemovedKey)
{
	target_keys_.remove(kId);
	RawSealedPeer peer(*transport_, service_->port());
	EXPECT_FALSE(peer.seal(initiator_keys_.find(kId)));
}

TEST_F(SealedGreeting, RefusesAnotherCipherUnderTheSameKey)
{
	KeyRing other;
	add_key(&other, kId, kId, Cipher::chacha20_poly1305);
	RawSealedPeer peer(*transport_, service_->port());
	EXPECT_FALSE(peer.seal(other.find(kId)));
}

/* Each bit of the proof counts. */
TEST_F(SealedGreeting, RefusesAProofThatIsWrongInOneBit)
{
	for (size_t bit = 0; bit < 256; bit += 5) {
		RawSealedPeer peer(*transport_, service_->port());
		ASSERT_TRUE(peer.ask());
		auto offer = peer.offer(initiator_keys_.find(kId));
		offer.key_proof[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
		peer.send(offer);
		EXPECT_FALSE(peer.accepted()) << bit;
	}
}

/* Somebody on the path appends a request in clear to a good offer. */
TEST_F(SealedGreeting, NothingInClearFollowsTheOffer)
{
	FakeMedium *medium = &media_.emplace_back(kRegionLen);
	uint64_t key = add_sealed(medium);
	RawSealedPeer peer(*transport_, service_->port());
	ASSERT_TRUE(peer.ask());
	auto offer = peer.offer(initiator_keys_.find(kId));
	struct {
		wire::SealOffer offer;
		wire::Write write;
		uint64_t value;
	} both{offer, wire::make<wire::Write>(1, 1, 0, 8), 1};
	both.write.token = Key(key).token();
	peer.send(both);
	while (!peer.receive().empty())
		;
	EXPECT_EQ(medium->visible, std::vector<uint8_t>(kRegionLen));
}

TEST_F(SealedGreeting, NothingInClearFollowsLater)
{
	FakeMedium *medium = &media_.emplace_back(kRegionLen);
	uint64_t key = add_sealed(medium);
	RawSealedPeer peer(*transport_, service_->port());
	ASSERT_TRUE(peer.ask());
	peer.send(peer.offer(initiator_keys_.find(kId)));
	EXPECT_EQ(peer.receive().size(), sizeof(wire::SealAccepted));
	struct {
		wire::Write write;
		uint64_t value;
	} request{wire::make<wire::Write>(1, 1, 0, 8), 1};
	request.write.token = Key(key).token();
	peer.send(request);
	EXPECT_TRUE(peer.receive().empty());
	EXPECT_EQ(medium->visible, std::vector<uint8_t>(kRegionLen));
}

class SealedOff : public SealedGreeting
{
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_SEAL", "off");
		SealedGreeting::SetUp();
	}
};

TEST_F(SealedOff, AsksForNoOffer)
{
	RawSealedPeer peer(*transport_, service_->port());
	EXPECT_FALSE(peer.ask());
}

TEST_F(SealedOff, IsAnErrorAtTheInitiatorsCall)
{
	FakeMedium *medium = &media_.emplace_back(kRegionLen);
	uint64_t key = add_sealed(medium);
	uint64_t value = 1;
	EXPECT_EQ(submit(kCommit, &value, sizeof(value), 0, key),
		  -FI_ENOPROTOOPT);
}

} // namespace
