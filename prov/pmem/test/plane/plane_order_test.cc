/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a fenced commit stands for after failures and losses,
 * and the order of operations that travel in different ways. Each of these once
 * went wrong.
 */
#include "core/key.hh"
#include "fixture/plane_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr Call kFenced{true, Level::transmit, true, false};

class PlaneOrder : public PlaneFixture
{
protected:
	/* Makes a region whose key the channel has resolved. */
	uint64_t resolved_region(FakeMedium **medium)
	{
		*medium = &media_.emplace_back(kRegionLen);
		uint64_t key = add_region(*medium);
		uint64_t value = 1;
		EXPECT_EQ(submit(kCommit, &value, 8, 0, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
		return key;
	}

	uint64_t durable(const FakeMedium &medium, size_t offset)
	{
		uint64_t value = 0;
		std::memcpy(&value, &medium.durable[offset], sizeof(value));
		return value;
	}

	/* Submits a fenced commit until one is durable; counts the refused. */
	int refusals_before_success(uint64_t key, uint64_t *value)
	{
		for (int refused = 0; refused < 10; refused++) {
			ssize_t ret = submit(kFencedCommit, value, 8, 512, key);
			if (!ret && !wait().failure)
				return refused;
		}
		ADD_FAILURE() << "no fenced commit succeeds any more";
		return -1;
	}
};

} // namespace

TEST_F(PlaneOrder, RefusedFencedCommitLeavesEarlierWritesToTheNext)
{
	FakeMedium *closed = nullptr;
	FakeMedium *open = nullptr;
	uint64_t closed_key = resolved_region(&closed);
	uint64_t open_key = resolved_region(&open);
	uint64_t value = 0x1111;
	table_.remove(Key(closed_key).token());
	ASSERT_EQ(submit(kWrite, &value, 8, 64, closed_key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::unknown_key);
	ASSERT_EQ(submit(kWrite, &value, 8, 64, open_key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	uint64_t pointer = 0x2222;
	EXPECT_EQ(refusals_before_success(open_key, &pointer), 1);
	EXPECT_EQ(durable(*open, 64), value);
	EXPECT_EQ(durable(*open, 512), pointer);
}

TEST_F(PlaneOrder, FencedCommitStandsForLostWritesToAnotherServiceOfThePeer)
{
	FakeMedium *medium = nullptr;
	uint64_t key = resolved_region(&medium);
	uint64_t value = 0x55;
	ASSERT_EQ(submit(kWrite, &value, 8, 64, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	/* The target comes back elsewhere, as after a crash. */
	service_.reset();
	service_ = std::make_unique<Service>(*transport_, &table_);
	ASSERT_EQ(service_->open(), 0);
	FakeMedium &fresh = media_.emplace_back(kRegionLen);
	uint64_t fresh_key = add_region(&fresh);
	EXPECT_EQ(refusals_before_success(fresh_key, &value), 1);
}

TEST_F(PlaneOrder, FencedCommitDrainsWritesToAnotherServiceOfThePeer)
{
	FakeMedium *medium = nullptr;
	uint64_t key = resolved_region(&medium);
	Service second(*transport_, &table_);
	ASSERT_EQ(second.open(), 0);
	uint64_t second_key = Key(second.port(), Key(key).token()).value();
	uint64_t value = 0x99;
	ASSERT_EQ(submit(kWrite, &value, 8, 64, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(durable(*medium, 64), 0u);
	EXPECT_EQ(refusals_before_success(second_key, &value), 0);
	EXPECT_EQ(durable(*medium, 64), value);
	channels_.reset();
}

TEST_F(PlaneOrder, FencedCommitFailsWhenACommitToAnotherServiceFailed)
{
	FakeMedium *medium = nullptr;
	uint64_t key = resolved_region(&medium);
	Service second(*transport_, &table_);
	ASSERT_EQ(second.open(), 0);
	FakeMedium &other = media_.emplace_back(kRegionLen);
	uint64_t other_key =
		Key(second.port(), Key(add_region(&other)).token()).value();
	uint64_t value = 0x77;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, other_key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	medium->drain_result = -FI_EIO;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::flush_failed);
	EXPECT_EQ(refusals_before_success(other_key, &value), 1);
	channels_.reset();
}

TEST_F(PlaneOrder, WriteDoesNotOvertakeAOneSidedRead)
{
	for (const Call &call : {kFenced, kWrite}) {
		FakeMedium &medium = media_.emplace_back(32 << 20);
		uint64_t key = add_region(&medium);
		std::vector<uint8_t> buffer(medium.visible.size());
		uint64_t value = 0;
		ASSERT_EQ(submit(kRead, &value, 8, 0, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
		value = 0x3333;
		ASSERT_EQ(
			try_submit(kRead, buffer.data(), buffer.size(), 0, key),
			0);
		ASSERT_EQ(try_submit(call, &value, 8, buffer.size() - 8, key),
			  0);
		EXPECT_EQ(wait().failure.err, 0);
		EXPECT_EQ(wait().failure.err, 0);
		uint64_t read = 1;
		std::memcpy(&read, &buffer[buffer.size() - 8], 8);
		EXPECT_EQ(read, 0u);
	}
}

TEST_F(PlaneOrder, InjectThatMustWaitIsNotAccepted)
{
	FakeMedium &medium = media_.emplace_back(32 << 20);
	uint64_t key = add_region(&medium);
	std::vector<uint8_t> buffer(medium.visible.size());
	uint64_t value = 0x44;
	ASSERT_EQ(submit(kRead, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	ASSERT_EQ(try_submit(kRead, buffer.data(), buffer.size(), 0, key), 0);
	/* Its buffer is the caller's again on return. */
	Call inject;
	inject.inject = true;
	EXPECT_EQ(try_submit(inject, &value, 8, 4096, key), -FI_EAGAIN);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(try_submit(inject, &value, 8, 4096, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(PlaneOrder, InjectThatIsNotAcceptedVoidsNoDigest)
{
	FakeMedium &medium = media_.emplace_back(32 << 20);
	uint64_t key = add_region(&medium);
	std::vector<uint8_t> buffer(medium.visible.size());
	uint64_t value = 0x44;
	ASSERT_EQ(submit(checked(kWrite), &value, 8, 4096, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	ASSERT_EQ(try_submit(kRead, buffer.data(), buffer.size(), 0, key), 0);
	Call inject;
	inject.inject = true;
	EXPECT_EQ(try_submit(inject, &value, 8, 4096, key), -FI_EAGAIN);
	EXPECT_EQ(wait().failure.err, 0);
	{
		std::lock_guard guard(medium.mutex);
		medium.visible[4096] ^= 0x10;
	}
	ASSERT_EQ(submit(checked(kFencedCommit), &value, 8, 512, key), 0);
	EXPECT_EQ(wait().failure.err, FI_EIO);
}

TEST_F(PlaneOrder, OperationsBehindAClosedRegionAllComplete)
{
	FakeMedium *closed = nullptr;
	FakeMedium *open = nullptr;
	uint64_t closed_key = resolved_region(&closed);
	uint64_t open_key = resolved_region(&open);
	std::vector<uint8_t> big(70000);
	table_.remove(Key(closed_key).token());
	ASSERT_EQ(try_submit(kWrite, big.data(), 8, 64, closed_key), 0);
	size_t accepted = 1;
	while (accepted < 129 &&
	       !try_submit(kWrite, big.data(), big.size(), 0, open_key))
		accepted++;
	/* Waits for a place, and for a region that is gone by then. */
	if (!try_submit(kWrite, big.data(), big.size(), 8192, closed_key))
		accepted++;
	for (size_t i = 0; i < accepted; i++)
		wait();
	EXPECT_TRUE(owner_.results.empty());
}

TEST_F(PlaneOrder, NotificationWaitsUntilTheDataIsVisible)
{
	FakeMedium *medium = nullptr;
	uint64_t key = resolved_region(&medium);
	std::vector<uint8_t> big(65536, 7);
	iovec iov{big.data(), big.size()};
	fi_rma_iov rma{kBase + 4096, big.size(), key};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.iov_count = 1;
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	ASSERT_EQ(channels_->submit(OpRequest::write(msg)
					    .at(Level::delivery)
					    .notify()
					    .report(),
				    0),
		  0);
	auto deadline = Clock::now() + kPatience;
	while (!owner_.notifications && Clock::now() < deadline)
		initiator_->progress();
	ASSERT_EQ(owner_.notifications, 1);
	EXPECT_EQ(std::memcmp(&medium->visible[4096], big.data(), big.size()),
		  0);
	/* It is not sent: the endpoint closes first, and the operation ends. */
	EXPECT_TRUE(channels_->shutdown().empty());
	EXPECT_EQ(wait().failure.err, FI_ECANCELED);
}

TEST_F(PlaneOrder, WaitersMaySleepAfterTheLastChannelIsClosed)
{
	FakeMedium *medium = nullptr;
	resolved_region(&medium);
	channels_.reset();
	auto deadline = Clock::now() + kPatience;
	while (initiator_->trywait() && Clock::now() < deadline)
		initiator_->progress();
	EXPECT_EQ(initiator_->trywait(), 0);
}

TEST(InnerKeys, AreNotGuessable)
{
	std::vector<uint64_t> keys(4);
	for (uint64_t &key : keys)
		ASSERT_EQ(choose_inner_key(&key), 0);
	for (size_t i = 1; i < keys.size(); i++)
		EXPECT_GT(keys[i] > keys[i - 1] ? keys[i] - keys[i - 1]
						: keys[i - 1] - keys[i],
			  1000u);
}

} // namespace ofi_pmem::test
