/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Operations on sealed regions, over sockets and over a NIC: what they do,
 * which key they use, and what ends them.
 */
#include "fixture/nic_fixture.hh"
#include "fixture/sealed_fixture.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <string>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

constexpr uint64_t kNext = 8;

class SealedPlane : public SealedFixture
{
protected:
	void open(Cipher cipher = Cipher::aes_256_gcm,
		  const KeyLimits &limits = {})
	{
		share_key(kId, cipher, limits);
		medium_ = &media_.emplace_back(kRegionLen);
		key_ = add_sealed(medium_);
	}

	ssize_t commit(uint64_t value, uint64_t offset = 0)
	{
		value_ = value;
		ssize_t ret =
			submit(kCommit, &value_, sizeof(value_), offset, key_);
		return ret ? ret : -wait().failure.err;
	}

	uint64_t durable(size_t offset = 0) const
	{
		uint64_t value = 0;
		std::memcpy(&value, &medium_->durable[offset], sizeof(value));
		return value;
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint64_t value_ = 0;
};

TEST_F(SealedPlane, KeyOfTheRegionSaysThatItIsSealed)
{
	open();
	EXPECT_TRUE(Key(key_).sealed());
	EXPECT_FALSE(Key(add_region(medium_)).sealed());
}

/* Sizes around those of messages and records. */
class SealedSizes : public SealedPlane,
		    public testing::WithParamInterface<Cipher>
{
};

TEST_P(SealedSizes, CommitAndReadBack)
{
	open(GetParam());
	for (size_t len : {1, 8, 4096, 16384, 16385, 65495, 65496, 65497, 65536,
			   131072, 1 << 20}) {
		SCOPED_TRACE(len);
		std::vector<uint8_t> bytes(len);
		for (size_t i = 0; i < len; i++)
			bytes[i] = static_cast<uint8_t>(i * 7 + len);
		expect_round_trip(*medium_, key_, bytes);
	}
}

INSTANTIATE_TEST_SUITE_P(
	Ciphers, SealedSizes,
	testing::Values(Cipher::aes_128_gcm, Cipher::aes_256_gcm,
			Cipher::aes_128_ccm, Cipher::aes_256_ccm,
			Cipher::chacha20_poly1305),
	[](const auto &one) {
		std::string name = cipher_traits(one.param)->name;
		std::replace(name.begin(), name.end(), '-', '_');
		return name;
	});

TEST_F(SealedPlane, NoKeyIsAnErrorAtTheCall)
{
	open();
	remove_at_initiator(kId);
	EXPECT_EQ(commit(1), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 0u);
}

TEST_F(SealedPlane, KeyThatTheTargetDoesNotHaveIsAnErrorAtTheCall)
{
	open();
	target_keys_.remove(kId);
	EXPECT_EQ(commit(1), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 0u);
}

TEST_F(SealedPlane, OtherBytesUnderTheSameIdAreAnErrorAtTheCall)
{
	open();
	initiator_keys_.remove(kId);
	add_key(&initiator_keys_, kId, 99);
	ASSERT_EQ(initiator_keys_.bind_default(kId), 0);
	EXPECT_EQ(commit(1), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 0u);
}

/* The target has the key, but this region does not accept it. */
TEST_F(SealedPlane, KeyOfAnotherRegionIsRefused)
{
	open();
	share_key(kNext);
	EXPECT_EQ(commit(1), -FI_EACCES);
	EXPECT_EQ(durable(), 0u);
}

TEST_F(SealedPlane, KeyOfTheRegionComesBeforeTheDefault)
{
	open();
	share_key(kNext);
	ASSERT_EQ(initiator_keys_.bind_region(key_, kId), 0);
	EXPECT_EQ(commit(1), 0);
}

TEST_F(SealedPlane, RangesUnderTwoKeysAreNoOneOperation)
{
	open();
	share_key(kNext);
	ASSERT_EQ(initiator_keys_.bind_region(key_, kId), 0);
	uint64_t other = add_sealed(&media_.emplace_back(kRegionLen), kNext);
	uint64_t open_one = add_region(&media_.emplace_back(kRegionLen));
	for (uint64_t second : {other, open_one}) {
		uint64_t values[2] = {1, 2};
		iovec iov{values, sizeof(values)};
		fi_rma_iov rma[] = {{kBase, 8, key_}, {kBase, 8, second}};
		fi_msg_rma msg{};
		msg.msg_iov = &iov;
		msg.iov_count = 1;
		msg.rma_iov = rma;
		msg.rma_iov_count = 2;
		EXPECT_EQ(until_taken([&] { return try_submit(kCommit, msg); }),
			  -FI_EINVAL);
	}
}

/* The old key is refused as soon as it is removed from the region. */
TEST_F(SealedPlane, RekeyingFailsNothing)
{
	open();
	for (uint64_t id = kId; id < kId + 1000; id++) {
		ASSERT_EQ(submit(kCommit, &value_, sizeof(value_), 8, key_),
			  0); /* under way meanwhile */
		auto seed = static_cast<uint8_t>(id + 1);
		add_key(&target_keys_, id + 1, seed);
		add_key(&initiator_keys_, id + 1, seed);
		ASSERT_EQ(table_.add_key(Key(key_).token(), id + 1), 0);
		ASSERT_EQ(initiator_keys_.bind_default(id + 1), 0);
		ASSERT_EQ(submit(kFencedCommit, &id, sizeof(id), 0, key_), 0);
		ASSERT_EQ(wait().failure.err, 0);
		ASSERT_EQ(wait().failure.err, 0);
		ASSERT_EQ(durable(), id);
		ASSERT_EQ(table_.remove_key(Key(key_).token(), id), 0);
		remove_at_initiator(id);
		remove_at_target(id);
	}
}

/* Operations under two keys travel on two connections. */
TEST_F(SealedPlane, WhatIsUnderWayUnderTheOldKeyComesFirst)
{
	open();
	share_key(kNext);
	ASSERT_EQ(table_.add_key(Key(key_).token(), kNext), 0);
	EXPECT_EQ(commit(1), 0);
	ASSERT_EQ(initiator_keys_.bind_default(kId), 0);
	EXPECT_EQ(commit(2), 0);
	uint64_t first = 3, second = 4;
	{
		std::lock_guard guard(medium_->mutex);
		ASSERT_EQ(submit(kCommit, &first, sizeof(first), 0, key_), 0);
		ASSERT_EQ(initiator_keys_.bind_default(kNext), 0);
		EXPECT_EQ(try_submit(kCommit, &second, sizeof(second), 0, key_),
			  -FI_EAGAIN);
	}
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(commit(second), 0);
	EXPECT_EQ(durable(), second);
}

/* So do operations on two regions, unless a fence orders them. */
TEST_F(SealedPlane, FenceWaitsForWhatIsUnderWayUnderAnotherKey)
{
	open();
	share_key(kNext);
	FakeMedium *other = &media_.emplace_back(kRegionLen);
	uint64_t other_key = add_sealed(other, kNext);
	ASSERT_EQ(initiator_keys_.bind_region(key_, kId), 0);
	EXPECT_EQ(commit(1), 0);
	uint64_t first = 2, second = 3;
	Call fenced = kWrite;
	fenced.fence = true;
	ASSERT_EQ(submit(fenced, &second, sizeof(second), 0, other_key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	{
		std::lock_guard guard(medium_->mutex);
		ASSERT_EQ(submit(kCommit, &first, sizeof(first), 0, key_), 0);
		EXPECT_EQ(try_submit(fenced, &second, sizeof(second), 8,
				     other_key),
			  -FI_EAGAIN);
		EXPECT_EQ(try_submit(kWrite, &second, sizeof(second), 8,
				     other_key),
			  0);
	}
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(wait().failure.err, 0);
	ASSERT_EQ(submit(fenced, &second, sizeof(second), 16, other_key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(SealedPlane, RegionRefusesAKeyOnceItIsRemovedFromIt)
{
	open();
	share_key(kNext);
	ASSERT_EQ(table_.add_key(Key(key_).token(), kNext), 0);
	EXPECT_EQ(commit(1), 0);
	ASSERT_EQ(table_.remove_key(Key(key_).token(), kNext), 0);
	EXPECT_EQ(commit(2), -FI_EACCES);
	EXPECT_EQ(durable(), 1u);
	ASSERT_EQ(initiator_keys_.bind_default(kId), 0);
	EXPECT_EQ(commit(3), 0);
}

TEST_F(SealedPlane, WhatIsOutstandingUnderARemovedKeyFails)
{
	open();
	EXPECT_EQ(commit(1), 0);
	{
		std::lock_guard guard(medium_->mutex);
		ASSERT_EQ(submit(kCommit, &value_, sizeof(value_), 8, key_), 0);
		remove_at_initiator(kId);
		EXPECT_EQ(wait().failure.err, FI_EKEYREJECTED);
	}
}

TEST_F(SealedPlane, RemovalAtTheTargetClosesItsChannels)
{
	open();
	EXPECT_EQ(commit(1), 0);
	remove_at_target(kId);
	EXPECT_NE(commit(2), 0);
	EXPECT_EQ(commit(3), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 1u);
}

TEST_F(SealedPlane, UsedUpKeyIsRefusedAndNeverWraps)
{
	open(Cipher::aes_128_gcm, {0, 20});
	int done = 0;
	while (done < 100 && !commit(1))
		done++;
	EXPECT_GT(done, 5);
	EXPECT_LT(done, 20);
	EXPECT_EQ(commit(2), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 1u);
	/* Another key helps. */
	share_key(kNext);
	ASSERT_EQ(table_.add_key(Key(key_).token(), kNext), 0);
	EXPECT_EQ(commit(3), 0);
}

TEST_F(SealedPlane, UsedUpAtTheTargetIsRefused)
{
	share_key(kId);
	target_keys_.remove(kId);
	add_key(&target_keys_, kId, kId, Cipher::aes_256_gcm, {1000, 0});
	medium_ = &media_.emplace_back(kRegionLen);
	key_ = add_sealed(medium_);
	int ret = 0;
	for (int i = 0; i < 100 && !ret; i++)
		ret = static_cast<int>(commit(1));
	EXPECT_EQ(ret, -FI_EKEYREJECTED);
	EXPECT_EQ(commit(2), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 1u);
}

TEST_F(SealedPlane, RegionAcceptsEightKeys)
{
	open();
	uint64_t token = Key(key_).token();
	for (uint64_t id = kId + 1; id < kId + 8; id++)
		EXPECT_EQ(table_.add_key(token, id), 0);
	EXPECT_EQ(table_.add_key(token, kId + 1), 0);
	EXPECT_EQ(table_.add_key(token, 100), -FI_ENOSPC);
	EXPECT_EQ(table_.remove_key(token, 100), -FI_ENOKEY);
	EXPECT_EQ(table_.remove_key(token, kId), 0);
	EXPECT_EQ(table_.add_key(token, 100), 0);
	uint64_t unsealed = Key(add_region(medium_)).token();
	EXPECT_EQ(table_.add_key(unsealed, kId), -FI_EINVAL);
	EXPECT_EQ(table_.remove_key(unsealed, kId), -FI_EINVAL);
}

TEST_F(SealedPlane, BothEndsExportTheSame)
{
	open();
	TrafficSecret here, there;
	uint64_t connection = 0;
	ASSERT_EQ(until_taken([&] {
			  return channels_->use_seal(
				  0, Key(key_), [&](ChannelSeal *seal) {
					  here = seal->exporter;
					  connection = seal->connection;
					  return 0;
				  });
		  }),
		  0);
	EXPECT_FALSE(service_->exporter(connection + 2, &there));
	ASSERT_TRUE(service_->exporter(connection, &there));
	EXPECT_EQ(here.bytes, there.bytes);
	uint8_t one[100], two[100];
	ASSERT_TRUE(export_key(here, "one", one, sizeof(one)));
	ASSERT_TRUE(export_key(here, "two", two, sizeof(two)));
	EXPECT_NE(memcmp(one, two, sizeof(one)), 0);
}

/* It has two threads, of which each serves one of two channels. */
class SealedThreads : public Sealed<PlaneFixture>
{
protected:
	SealedThreads() : Sealed<PlaneFixture>(2) {}
};

/*
 * The target still has a write under a key that the initiator has removed. It
 * has failed, so it must not be stored over what is committed later.
 */
TEST_F(SealedThreads, WhatHasFailedIsNotExecutedAfterTheKeyHasChanged)
{
	share_key(kId);
	share_key(kNext);
	FakeMedium *first = &media_.emplace_back(kRegionLen);
	FakeMedium *second = &media_.emplace_back(kRegionLen);
	uint64_t first_key = add_sealed(first);
	uint64_t second_key = add_sealed(second);
	ASSERT_EQ(table_.add_key(Key(second_key).token(), kNext), 0);
	uint64_t value = 1, late = 2, later = 3;
	auto commit = [&](uint64_t *from, uint64_t key) {
		ASSERT_EQ(submit(kCommit, from, sizeof(*from), 0, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
	};
	commit(&value, second_key); /* one thread's channel */
	ASSERT_EQ(initiator_keys_.bind_default(kId), 0);
	commit(&value, first_key); /* the other's */
	commit(&value, second_key);
	ssize_t ret = -FI_EAGAIN;
	auto try_later = [&] {
		initiator_->progress();
		return try_submit(kCommit, &later, sizeof(later), 0,
				  second_key);
	};
	{
		std::lock_guard guard(first->mutex);
		ASSERT_EQ(submit(kCommit, &value, sizeof(value), 0, first_key),
			  0);
		ASSERT_EQ(submit(kCommit, &late, sizeof(late), 0, second_key),
			  0);
		remove_at_initiator(kId);
		EXPECT_EQ(wait().failure.err, FI_EKEYREJECTED);
		EXPECT_EQ(wait().failure.err, FI_EKEYREJECTED);
		ASSERT_EQ(initiator_keys_.bind_default(kNext), 0);
		for (int i = 0; i < 1000 && ret == -FI_EAGAIN; i++)
			ret = try_later();
		if (!ret) {
			EXPECT_EQ(wait().failure.err, 0);
		}
	}
	if (ret) {
		EXPECT_EQ(until_taken(try_later), 0);
		EXPECT_EQ(wait().failure.err, 0);
	}
	/* Every thread goes on, and on. */
	for (int i = 0; i < 100; i++)
		service_->disconnect_removed();
	uint64_t found = 0;
	std::memcpy(&found, second->visible.data(), sizeof(found));
	EXPECT_EQ(found, later);
}

TEST_F(SealedPlane, WhatFollowsAFenceWaitsForItAlsoUnderAnotherKey)
{
	open();
	share_key(kNext);
	uint64_t other = add_sealed(&media_.emplace_back(kRegionLen), kNext);
	uint64_t in_clear = add_region(&media_.emplace_back(kRegionLen));
	ASSERT_EQ(initiator_keys_.bind_region(key_, kId), 0);
	uint64_t value = 1, pointer = 2;
	for (uint64_t key : {key_, other, in_clear}) {
		ASSERT_EQ(submit(kCommit, &value, sizeof(value), 0, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
	}
	{
		std::lock_guard guard(medium_->mutex);
		ASSERT_EQ(submit(kFencedCommit, &pointer, sizeof(pointer), 0,
				 key_),
			  0);
		for (uint64_t key : {other, in_clear})
			EXPECT_EQ(try_submit(kWrite, &value, sizeof(value), 0,
					     key),
				  -FI_EAGAIN);
		EXPECT_EQ(try_submit(kWrite, &value, sizeof(value), 64, key_),
			  0);
	}
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(wait().failure.err, 0);
	for (uint64_t key : {other, in_clear}) {
		ASSERT_EQ(submit(kWrite, &value, sizeof(value), 0, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
	}
}

TEST_F(SealedPlane, RemovalOfAnotherKeyForgetsNoOrder)
{
	open();
	constexpr uint64_t kUnrelated = 20;
	share_key(kUnrelated);
	uint64_t unrelated =
		add_sealed(&media_.emplace_back(kRegionLen), kUnrelated);
	ASSERT_EQ(submit(kCommit, &value_, sizeof(value_), 0, unrelated), 0);
	EXPECT_EQ(wait().failure.err, 0);
	share_key(kNext);
	ASSERT_EQ(table_.add_key(Key(key_).token(), kNext), 0);
	EXPECT_EQ(commit(1), 0);
	ASSERT_EQ(initiator_keys_.bind_default(kId), 0);
	EXPECT_EQ(commit(1), 0);
	uint64_t first = 3, second = 4;
	{
		std::lock_guard guard(medium_->mutex);
		ASSERT_EQ(submit(kCommit, &first, sizeof(first), 0, key_), 0);
		ASSERT_EQ(initiator_keys_.bind_default(kNext), 0);
		remove_at_initiator(kUnrelated);
		EXPECT_EQ(try_submit(kCommit, &second, sizeof(second), 0, key_),
			  -FI_EAGAIN);
	}
	EXPECT_EQ(wait().failure.err, 0);
}

/* The target does not need the old key for what was written under it. */
TEST_F(SealedPlane, WhatIsNotCommittedIsDurableBeforeTheKeyChanges)
{
	open();
	share_key(kNext);
	ASSERT_EQ(initiator_keys_.bind_default(kId), 0);
	uint64_t token = Key(key_).token();
	ASSERT_EQ(table_.add_key(token, kNext), 0);
	uint64_t first = 5;
	ASSERT_EQ(submit(kWrite, &first, sizeof(first), 0, key_), 0);
	EXPECT_EQ(wait().failure.err, 0);
	ASSERT_EQ(initiator_keys_.bind_default(kNext), 0);
	EXPECT_EQ(commit(6, 64), 0);
	EXPECT_EQ(durable(), first);
	ASSERT_EQ(table_.remove_key(token, kId), 0);
	uint64_t last = 7;
	ASSERT_EQ(submit(kFencedCommit, &last, sizeof(last), 128, key_), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

class SealRequired : public SealedPlane
{
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_SEAL", "required");
		SealedPlane::SetUp();
	}
};

TEST_F(SealRequired, RegionsThatAreNotSealedAreNotReached)
{
	open();
	EXPECT_EQ(commit(1), 0);
	key_ = add_region(&media_.emplace_back(kRegionLen));
	EXPECT_EQ(commit(1), -FI_EKEYREJECTED);
}

class SealedRoll : public SealedPlane
{
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_SEAL_ROLL_RECORDS", "3");
		SealedPlane::SetUp();
	}
};

TEST_F(SealedRoll, TrafficKeysAreRenewedOnTheWay)
{
	open();
	for (uint64_t i = 1; i <= 1000; i++) {
		ASSERT_EQ(commit(i), 0);
		ASSERT_EQ(durable(), i);
	}
}

class SealedWithAuthKey : public SealedPlane
{
protected:
	AuthKey target_key() const override { return AuthKey(16, 1); }
	AuthKey initiator_key() const override { return AuthKey(16, theirs_); }
	uint8_t theirs_ = 1;
};

TEST_F(SealedWithAuthKey, BothAreProven)
{
	open();
	EXPECT_EQ(commit(1), 0);
}

class SealedWithAnotherAuthKey : public SealedWithAuthKey
{
	void SetUp() override
	{
		theirs_ = 2;
		SealedWithAuthKey::SetUp();
	}
};

TEST_F(SealedWithAnotherAuthKey, IsRefused)
{
	open();
	EXPECT_EQ(commit(1), -FI_EKEYREJECTED);
	EXPECT_EQ(durable(), 0u);
}

/* With a NIC a sealed region is reached by requests only. */
class SealedNic : public Sealed<NicFixture>
{
protected:
	void SetUp() override
	{
		ASSERT_EQ(load_params(), 0);
		PlaneFixture::SetUp();
		share_key(kId);
		medium_ = add_medium(kDmp);
		key_ = add_sealed(medium_);
	}
};

TEST_F(SealedNic, CommitsOfEverySizeTravelInRequests)
{
	for (size_t len : {8, 4096, 65536, 100000, 300000}) {
		expect_round_trip(*medium_, key_,
				  std::vector<uint8_t>(
					  len, static_cast<uint8_t>(len + 1)));
	}
	for (const auto &one : nic_.take_posted())
		EXPECT_EQ(one.name, "message");
}

/* In clear, then. */
TEST_F(SealedNic, OneSidedAccessThatATargetOffersIsNotUsed)
{
	auto region = std::make_unique<TargetRegion>();
	region->memory = medium_->visible.data();
	region->len = kRegionLen;
	region->base = kBase;
	region->access = wire::kRemoteRead | wire::kRemoteWrite;
	region->sealed = true;
	region->key_ids.push_back(kId);
	region->backend = std::make_unique<FakeBackend>(medium_);
	ASSERT_EQ(transport_->register_memory(region->memory, region->len,
					      FI_REMOTE_READ | FI_REMOTE_WRITE,
					      true, &region->link_memory),
		  0);
	uint64_t token = 0;
	ASSERT_EQ(table_.add(std::move(region), &token), 0);
	key_ = Key(service_->port(), token).value();
	std::vector<uint8_t> bytes(100000, 1);
	for (const Call &call : {kCommit, kRead}) {
		ASSERT_EQ(submit(call, bytes.data(), bytes.size(), 0, key_), 0);
		EXPECT_EQ(wait().failure.err, 0);
	}
	for (const auto &one : nic_.take_posted())
		EXPECT_EQ(one.name, "message");
}

} // namespace
