/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Channels between ends with the same auth_key, with different ones, with one
 * and none; and peers that replay, reflect, skip and make up proofs.
 */
#include "fixture/raw_peer.hh"
#include "fixture/raw_service.hh"
#include "protocol/handshake.hh"

#include <algorithm>

namespace ofi_pmem::test
{

namespace
{

const AuthKey kKey{'t', 'h', 'e', ' ', 's', 'e', 'c', 'r',
		   'e', 't', ' ', 'o', 'f', ' ', 'u', 's'};
const AuthKey kOther(16, 'o');

/* A handshake of which every byte is another. */
Handshake some_handshake()
{
	Handshake said;
	auto bytes = reinterpret_cast<uint8_t *>(&said);
	for (size_t i = 0; i < sizeof(said); i++)
		bytes[i] = static_cast<uint8_t>(i);
	return said;
}

TEST(Handshake, ProofIsTheHmacOfAllThatWasSaid)
{
	wire::Proof proof;
	ASSERT_TRUE(prove(kKey, kInitiator, some_handshake(), &proof));
	/*
	 * python3's hmac module gives this: hmac.new(b"the secret of us",
	 * bytes(range(136)) + b"ofi_pmem initiator", "sha256").digest()
	 */
	const wire::Proof expected{0x55, 0x05, 0x68, 0xfe, 0x83, 0x5e, 0x22,
				   0x7c, 0x76, 0x8f, 0xd3, 0x69, 0x20, 0x32,
				   0x8a, 0xdf, 0x52, 0x9d, 0xa4, 0x0b, 0x2e,
				   0xf9, 0xce, 0x96, 0xe9, 0x2b, 0x88, 0xc4,
				   0x8d, 0xed, 0x3f, 0x43};
	EXPECT_EQ(proof, expected);
	EXPECT_TRUE(proven(kKey, kInitiator, some_handshake(), proof));
	EXPECT_FALSE(proven(kKey, kTarget, some_handshake(), proof));
	EXPECT_FALSE(proven(kOther, kInitiator, some_handshake(), proof));
	for (size_t i = 0; i < sizeof(Handshake); i++) {
		Handshake other = some_handshake();
		reinterpret_cast<uint8_t *>(&other)[i] ^= 1;
		EXPECT_FALSE(proven(kKey, kInitiator, other, proof)) << i;
	}
	proof.back() ^= 1;
	EXPECT_FALSE(proven(kKey, kInitiator, some_handshake(), proof));
}

/* A region behind a target and an initiator with the keys of the subclass. */
class Authentication : public PlaneFixture
{
protected:
	void SetUp() override
	{
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kRegionLen);
		key_ = add_region(medium_);
	}

	ssize_t commit()
	{
		return submit(kCommit, &value_, sizeof(value_), 0, key_);
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint64_t value_ = 1;
};

class SameKey : public Authentication
{
protected:
	AuthKey target_key() const override { return kKey; }
	AuthKey initiator_key() const override { return kKey; }

	/* Returns what was said up to the point where the peer must prove. */
	Handshake challenged(RawPeer *peer, uint64_t channel = 1)
	{
		Handshake said{};
		said.hello = RawPeer::hello(wire::kMinVersion, wire::kVersion);
		said.hello.header.operation = channel;
		peer->send(said.hello);
		auto bytes = peer->receive();
		EXPECT_TRUE(wire::parse(bytes.data(), bytes.size(), &said.ack));
		EXPECT_TRUE(said.ack.header.flags & wire::kAuthenticate);
		wire::Challenge challenge{};
		bytes = peer->receive();
		EXPECT_TRUE(
			wire::parse(bytes.data(), bytes.size(), &challenge));
		said.target = challenge.nonce;
		return said;
	}

	static wire::Response response(const Handshake &said,
				       const AuthKey &key,
				       std::string_view who = kInitiator)
	{
		auto message = wire::make<wire::Response>(0, 0);
		message.nonce = said.initiator;
		EXPECT_TRUE(prove(key, who, said, &message.proof));
		return message;
	}

	wire::Resolve resolve(uint64_t sequence = 1) const
	{
		auto message = wire::make<wire::Resolve>(sequence, 0);
		message.token = Key(key_).token();
		return message;
	}
};

TEST_F(SameKey, Commits)
{
	EXPECT_EQ(commit(), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(SameKey, CommitsToATargetThatWasStartedAnew)
{
	EXPECT_EQ(commit(), 0);
	EXPECT_EQ(wait().failure.err, 0);
	restart_service();
	/* The connection that was lost takes some with it. */
	bool committed = false;
	for (int i = 0; i < 100 && !committed; i++)
		committed = !commit() && !wait().failure.err;
	EXPECT_TRUE(committed);
}

TEST_F(SameKey, ARightProofOpensTheChannelAndIsAnswered)
{
	RawPeer peer(*transport_, service_->port());
	Handshake said = challenged(&peer);
	peer.send(response(said, kKey));
	auto bytes = peer.receive();
	wire::Accepted accepted{};
	ASSERT_TRUE(wire::parse(bytes.data(), bytes.size(), &accepted));
	EXPECT_TRUE(proven(kKey, kTarget, said, accepted.proof));
	peer.send(resolve());
	EXPECT_EQ(peer.receive().size(), sizeof(wire::Region));
}

TEST_F(SameKey, AWrongProofIsRefused)
{
	RawPeer peer(*transport_, service_->port());
	peer.send(response(challenged(&peer), kOther));
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(SameKey, AProofIsForOneRoleOnly)
{
	RawPeer peer(*transport_, service_->port());
	peer.send(response(challenged(&peer), kKey, kTarget));
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(SameKey, AProofIsGoodForOneConnectionOnly)
{
	RawPeer good(*transport_, service_->port());
	wire::Response overheard = response(challenged(&good), kKey);
	good.send(overheard);
	EXPECT_EQ(good.receive().size(), sizeof(wire::Accepted));

	RawPeer peer(*transport_, service_->port());
	static_cast<void>(challenged(&peer));
	peer.send(overheard);
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(SameKey, WithoutAProofNothingIsExecuted)
{
	RawPeer peer(*transport_, service_->port());
	static_cast<void>(challenged(&peer));
	peer.send(resolve());
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(SameKey, AnUnprovenHelloEndsNobodysChannel)
{
	RawPeer good(*transport_, service_->port());
	good.send(response(challenged(&good, 77), kKey));
	EXPECT_EQ(good.receive().size(), sizeof(wire::Accepted));

	RawPeer peer(*transport_, service_->port());
	static_cast<void>(challenged(&peer, 77));
	peer.send(response(Handshake{}, kKey));
	EXPECT_TRUE(peer.receive().empty());

	good.send(resolve());
	EXPECT_EQ(good.receive().size(), sizeof(wire::Region));
}

TEST_F(SameKey, AnOlderInitiatorIsToldTheVersion)
{
	RawPeer peer(*transport_, service_->port());
	peer.send(RawPeer::hello(wire::kMinVersion, wire::kAuthVersion - 1));
	auto bytes = peer.receive();
	wire::HelloAck ack{};
	ASSERT_TRUE(wire::parse(bytes.data(), bytes.size(), &ack));
	EXPECT_EQ(ack.status, FI_ENOPROTOOPT);
	EXPECT_EQ(ack.min_version, wire::kAuthVersion);
	EXPECT_EQ(table_.events().take(DomainEvents::version), 1u);
	peer.send(resolve());
	EXPECT_TRUE(peer.receive().empty());
}

class OtherKey : public Authentication
{
protected:
	AuthKey target_key() const override { return kKey; }
	AuthKey initiator_key() const override { return kOther; }
};

TEST_F(OtherKey, IsRefusedAtTheCall)
{
	EXPECT_EQ(commit(), -FI_EACCES);
	EXPECT_EQ(commit(), -FI_EACCES);
	EXPECT_EQ(medium_->visible[0], 0);
	service_.reset();
	/* Each connection counts, and a commit may need several. */
	EXPECT_GE(table_.events().take(DomainEvents::authentication), 2u);
	EXPECT_EQ(table_.events().take(DomainEvents::authentication), 0u);
}

class NoKeyHere : public Authentication
{
protected:
	AuthKey target_key() const override { return kKey; }
};

TEST_F(NoKeyHere, IsRefusedAtTheCall)
{
	EXPECT_EQ(commit(), -FI_EACCES);
}

class NoKeyThere : public Authentication
{
protected:
	AuthKey initiator_key() const override { return kKey; }
};

TEST_F(NoKeyThere, IsRefusedAtTheCall)
{
	EXPECT_EQ(commit(), -FI_EACCES);
}

/* An initiator with a key, towards what only says that it has it. */
class FalseTarget : public NoKeyThere
{
protected:
	/*
	 * Returns what commit() returns if a Response is answered in this way.
	 */
	ssize_t commit_answered(
		const std::function<std::vector<uint8_t>(wire::Response)> &then)
	{
		RawService *self = nullptr;
		RawService service(*transport_, [&](const uint8_t *bytes,
						    size_t len) {
			wire::Hello hello{};
			if (wire::parse(bytes, len, &hello)) {
				auto ack = good_hello_ack();
				ack.header.flags = wire::kAuthenticate;
				self->answer(bytes_of(ack));
				return bytes_of(
					wire::make<wire::Challenge>(0, 0));
			}
			wire::Response response{};
			EXPECT_TRUE(wire::parse(bytes, len, &response));
			return then(response);
		});
		self = &service;
		ssize_t ret;
		auto deadline = Clock::now() + kPatience;
		do {
			ret = try_submit(kCommit, &value_, 8, 0,
					 service.key(1));
			service.poll();
		} while (ret == -FI_EAGAIN && Clock::now() < deadline);
		return ret;
	}
};

TEST_F(FalseTarget, ThatMakesAProofUpIsRefused)
{
	EXPECT_EQ(commit_answered([](wire::Response) {
			  return bytes_of(wire::make<wire::Accepted>(0, 0));
		  }),
		  -FI_EACCES);
}

TEST_F(FalseTarget, ThatReflectsOurProofIsRefused)
{
	EXPECT_EQ(commit_answered([](wire::Response response) {
			  auto reply = wire::make<wire::Accepted>(0, 0);
			  reply.proof = response.proof;
			  return bytes_of(reply);
		  }),
		  -FI_EACCES);
}

TEST_F(FalseTarget, ThatSkipsItsProofIsRefused)
{
	EXPECT_EQ(commit_answered([](wire::Response) {
			  return bytes_of(wire::make<wire::Region>(1, 0));
		  }),
		  -EPROTO);
}

} // namespace

} // namespace ofi_pmem::test
