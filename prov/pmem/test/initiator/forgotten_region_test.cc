/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An operation on two regions fails because one of them is closed: the channel
 * does not know which, and forgets both. What it owes to the other stays owed.
 */
#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

class ForgottenRegion : public NicFixture
{
protected:
	/* A region that the service stores to is closed, one of the NIC's is
	 * not. */
	void open_both()
	{
		FakeMedium *stored = add_medium(kDmp);
		stored->one_sided = false;
		open_region(stored);
		closed_key_ = key_;
		open_region(add_medium(kDmp));
		table_.remove(Key(closed_key_).token());
	}

	/* Begins to verify a byte of each region, which fails. */
	void verify_both()
	{
		fi_rma_iov ranges[] = {{kBase, 1, closed_key_},
				       {kBase, 1, key_}};
		fi_msg_rma msg{};
		msg.rma_iov = ranges;
		msg.rma_iov_count = 2;
		VerifyOp verify{DigestAlgorithm::crc32c, 0, digests_};
		ASSERT_EQ(
			until_taken([&] {
				return channels_->submit(
					OpRequest::verify(msg, verify).report(),
					0);
			}),
			0);
	}

	/* What the channel may post in a turn. */
	class Limit final : public TurnPolicy<LinkUser>
	{
	public:
		explicit Limit(const size_t *budget) : budget_(budget) {}
		size_t budget(const LinkUser &) noexcept override
		{
			return *budget_;
		}
		LinkUser *
		next(const ReadyQueue<LinkUser> &ready) noexcept override
		{
			return ready.first();
		}

	private:
		const size_t *budget_;
	};

	void set_policies() override
	{
		initiator_->set_policy(std::make_unique<Limit>(&budget_));
	}

	size_t budget_ = TurnPolicy<LinkUser>::kUnlimited;
	uint64_t closed_key_ = 0;
	uint8_t digests_[64] = {};
};

} // namespace

TEST_F(ForgottenRegion, DrainStillFlushesWhatTheNicWroteThere)
{
	open_both();
	Bytes data(1000, 7);
	EXPECT_FALSE(write(kWrite, data, 4096));
	verify_both();
	EXPECT_EQ(wait().failure.cause, Cause::unknown_key);
	EXPECT_EQ(durable(4096, 1000), Bytes(1000, 0));
	ASSERT_EQ(until_taken([&] {
			  return channels_->drain_all(nullptr, true, false);
		  }),
		  0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(4096, 1000), data);
}

TEST_F(ForgottenRegion, WritesThatWaitedGoAsRequests)
{
	open_both();
	verify_both();
	budget_ = 0;
	Bytes data(1000, 7);
	start(kCommit, data, 8192);
	EXPECT_EQ(wait().failure.cause, Cause::unknown_key);
	budget_ = TurnPolicy<LinkUser>::kUnlimited;
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(8192, 1000), data);
}

} // namespace ofi_pmem::test
