/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Remote CQ data that is ready to be sent and that the inner provider does not
 * take: rxm connects only while the peer's program makes progress, and never
 * says that a peer has died.
 */
#include "fixture/plane_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr fi_addr_t kOne = 1;
constexpr fi_addr_t kOther = 2;

class Notifications : public PlaneFixture
{
protected:
	void SetUp() override
	{
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kRegionLen);
		key_ = add_region(medium_);
	}

	ssize_t submit_to(fi_addr_t peer, bool notify, const Call &call,
			  uint64_t *value)
	{
		iovec iov{value, sizeof(*value)};
		fi_rma_iov rma{kBase, sizeof(*value), key_};
		fi_msg_rma msg{};
		msg.msg_iov = &iov;
		msg.iov_count = 1;
		msg.addr = peer;
		msg.rma_iov = &rma;
		msg.rma_iov_count = 1;
		msg.context = value;
		OpRequest request = OpRequest::write(msg)
					    .at(call.level)
					    .fence(call.fence)
					    .notify(notify)
					    .report();
		return until_taken(
			[&] { return channels_->submit(request, peer); });
	}

	/* A write that is as durable as asked; its CQ data is left to send. */
	void ready_for(fi_addr_t peer)
	{
		int before = owner_.notifications;
		ASSERT_EQ(submit_to(peer, true, kCommit, &value_), 0);
		auto deadline = Clock::now() + kPatience;
		while (owner_.notifications == before &&
		       Clock::now() < deadline)
			initiator_->progress();
		ASSERT_GT(owner_.notifications, before);
	}

	/* Offers it again and again, until its operation ends. */
	OpResult refuse_until_it_ends()
	{
		auto deadline = Clock::now() + kPatience;
		while (owner_.results.empty() && Clock::now() < deadline) {
			initiator_->progress();
			channels_->begin_notifications();
			Notification note{};
			if (channels_->take_notification(&note))
				channels_->return_notification(note);
		}
		return wait();
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint64_t value_ = 7;
};

TEST_F(Notifications, RefusedOneDoesNotHoldUpThoseForOtherPeers)
{
	ready_for(kOne);
	ready_for(kOther);
	Notification refused{};
	Notification other{};
	channels_->begin_notifications();
	ASSERT_TRUE(channels_->take_notification(&refused));
	EXPECT_EQ(refused.peer, kOne);
	channels_->return_notification(refused);
	ASSERT_TRUE(channels_->take_notification(&other));
	EXPECT_EQ(other.peer, kOther);
	channels_->notified(other.op, 0, false);
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(channels_->take_notification(&other));

	channels_->begin_notifications();
	ASSERT_TRUE(channels_->take_notification(&refused));
	EXPECT_EQ(refused.peer, kOne);
	channels_->notified(refused.op, 0, false);
	EXPECT_FALSE(wait().failure);
}

TEST_F(Notifications, ThoseForOnePeerStayInOrder)
{
	ready_for(kOne);
	ready_for(kOne);
	Notification first{};
	Notification next{};
	channels_->begin_notifications();
	ASSERT_TRUE(channels_->take_notification(&first));
	channels_->return_notification(first);
	EXPECT_FALSE(channels_->take_notification(&next));
	channels_->begin_notifications();
	ASSERT_TRUE(channels_->take_notification(&next));
	EXPECT_EQ(next.op, first.op);
	channels_->return_notification(next);
}

TEST_F(Notifications, RefusedOneEndsWhenThePeersServiceIsGone)
{
	ready_for(kOne);
	service_.reset();
	EXPECT_EQ(refuse_until_it_ends().failure.err, FI_ECONNRESET);
}

TEST_F(Notifications, RefusedOneEndsInTime)
{
	ready_for(kOne);
	set_param("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", "30");
	EXPECT_EQ(refuse_until_it_ends().failure.err, FI_ETIMEDOUT);
}

TEST_F(Notifications, ThoseOfADroppedPeerAreNotForTheNextOfItsName)
{
	ready_for(kOne);
	channels_->drop(kOne);
	EXPECT_EQ(wait().failure.err, FI_ECANCELED);
	Notification note{};
	channels_->begin_notifications();
	EXPECT_FALSE(channels_->take_notification(&note));
}

TEST_F(Notifications, LostWritesOfADroppedPeerAreNotTheNextOnes)
{
	ASSERT_EQ(submit_to(kOne, false, kWrite, &value_), 0);
	EXPECT_FALSE(wait().failure);
	channels_->drop(kOne);
	/* The next one of that name. */
	EXPECT_EQ(submit_to(kOne, false, kFencedCommit, &value_), 0);
	EXPECT_FALSE(wait().failure);
	/* But a drain stands for all that was ever written. */
	EXPECT_EQ(channels_->drain_all(nullptr, true, false), -FI_ECONNABORTED);
	EXPECT_EQ(until_taken([&] {
			  return channels_->drain_all(nullptr, true, false);
		  }),
		  0);
	EXPECT_FALSE(wait().failure);
}

} // namespace

} // namespace ofi_pmem::test
