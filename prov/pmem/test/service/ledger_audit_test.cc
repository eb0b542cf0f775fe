/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A commit that the flush ledger does not bear out fails and poisons. Between
 * the service and the ledger lies a backend with one mistake, as if the service
 * had made it. Every other test of the plane shows that a service without
 * mistakes passes: its regions have ledgers too.
 */
#include "fixture/plane_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr uint64_t kLine = 64;

enum class Mistake {
	none,
	no_flush,
	flush_short_by_a_byte,
	flush_short_by_a_line,
	no_drain,
	drain_before_flush,
	store_after_flush,
	second_drain_only, /* the pointer is stored before the record's drain */
};

class Mistaken final : public BackendDecorator
{
public:
	Mistaken(std::unique_ptr<Backend> real, Mistake mistake)
		: BackendDecorator(std::move(real)), mistake_(mistake)
	{
	}

	int flush(uint64_t offset, size_t len) noexcept override
	{
		switch (mistake_) {
		case Mistake::no_flush:
			return 0;
		case Mistake::flush_short_by_a_byte:
			return len > 1 ? real().flush(offset, len - 1) : 0;
		case Mistake::flush_short_by_a_line:
			return len > kLine ? real().flush(offset, len - kLine)
					   : 0;
		case Mistake::drain_before_flush: {
			int ret = real().drain();
			return ret ? ret : real().flush(offset, len);
		}
		default:
			return real().flush(offset, len);
		}
	}
	int begin_drain(size_t commits, PendingDrain *pending) noexcept override
	{
		drains_++;
		if (mistake_ == Mistake::no_drain ||
		    mistake_ == Mistake::drain_before_flush ||
		    (mistake_ == Mistake::second_drain_only && drains_ == 1))
			return 0;
		return real().begin_drain(commits, pending);
	}
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override
	{
		*stored = true;
		if (mistake_ == Mistake::none)
			return real().store_flush(offset, source, len, stored);
		int ret = store(offset, source, len);
		if (!ret)
			ret = flush(offset, len);
		if (!ret && mistake_ == Mistake::store_after_flush)
			ret = store(offset, source, len);
		return ret;
	}

private:
	Mistake mistake_;
	int drains_ = 0;
};

} // namespace

class LedgerAudit : public PlaneFixture,
		    public ::testing::WithParamInterface<Mistake>
{
protected:
	static constexpr size_t kSmall = 256;
	static constexpr size_t kLarge = 100000; /* not in its request */

	std::unique_ptr<Backend>
	wrap_backend(std::unique_ptr<Backend> real) override
	{
		return std::make_unique<Mistaken>(std::move(real), mistake_);
	}

	uint64_t add_mistaken(Mistake mistake)
	{
		mistake_ = mistake;
		return add_region(&media_.emplace_back(kRegionLen));
	}

	Failure outcome(const Call &call, size_t len, uint64_t key)
	{
		EXPECT_EQ(submit(call, data_.data(), len, 0, key), 0);
		return wait().failure;
	}

	static void expect_violation(const Failure &failure)
	{
		EXPECT_EQ(failure.err, FI_EIO);
		EXPECT_EQ(failure.cause, Cause::ledger_violated);
	}

	std::vector<uint8_t> data_ = std::vector<uint8_t>(kLarge, 7);

private:
	Mistake mistake_ = Mistake::none;
};

TEST_P(LedgerAudit, ACommitInsideItsRequestFailsAndPoisons)
{
	uint64_t key = add_mistaken(GetParam());
	expect_violation(outcome(kCommit, kSmall, key));
	Failure next = outcome(kCommit, kSmall, key);
	EXPECT_EQ(next.err, FI_EIO);
	EXPECT_EQ(next.cause, Cause::region_poisoned);
}

TEST_P(LedgerAudit, AFencedCommitAnswersForWritesBeforeIt)
{
	uint64_t key = add_mistaken(GetParam());
	if (GetParam() == Mistake::store_after_flush)
		GTEST_SKIP() << "a mistake of the store that flushes";
	EXPECT_EQ(outcome(kWrite, kSmall, key).err, 0);
	expect_violation(outcome(kFencedCommit, 0, key));
}

TEST_P(LedgerAudit, AOneSidedCommitAnswersForTheRangesOfItsFlush)
{
	uint64_t key = add_mistaken(GetParam());
	if (GetParam() == Mistake::store_after_flush)
		GTEST_SKIP() << "a mistake of the store that flushes";
	expect_violation(outcome(kCommit, kLarge, key));
}

INSTANTIATE_TEST_SUITE_P(Mistakes, LedgerAudit,
			 ::testing::Values(Mistake::no_flush,
					   Mistake::flush_short_by_a_byte,
					   Mistake::flush_short_by_a_line,
					   Mistake::no_drain,
					   Mistake::drain_before_flush,
					   Mistake::store_after_flush,
					   Mistake::second_drain_only));

using LedgerAuditOne = LedgerAudit;

/* Its other regions, and later commits of the channel, are not concerned. */
TEST_F(LedgerAuditOne, OtherRegionsGoOn)
{
	uint64_t bad = add_mistaken(Mistake::no_flush);
	uint64_t good = add_mistaken(Mistake::none);
	expect_violation(outcome(kCommit, kSmall, bad));
	/* Reports the failure once, as after a failed flush. */
	EXPECT_EQ(outcome(kFencedCommit, kSmall, good).cause,
		  Cause::earlier_write_failed);
	EXPECT_EQ(outcome(kFencedCommit, kSmall, good).err, 0);
}

TEST_F(LedgerAuditOne, ThePointerIsNotStoredBeforeTheRecordsDrain)
{
	uint64_t key = add_mistaken(Mistake::second_drain_only);
	FakeMedium &medium = media_.back();
	uint64_t pointer = 0x1234;
	EXPECT_EQ(outcome(kWrite, kSmall, key).err, 0);
	ASSERT_EQ(submit(kFencedCommit, &pointer, 8, 4096, key), 0);
	EXPECT_EQ(wait().failure.err, FI_EIO);
	EXPECT_EQ(medium.visible[4096], 0);
}

TEST_F(LedgerAuditOne, TwoInitiatorsMayOverwriteEachOther)
{
	uint64_t key = add_mistaken(Mistake::none);
	RecordingOwner other_owner;
	Initiator other(*transport_);
	ASSERT_EQ(other.open(false), 0);
	ChannelTable others(&other, &other_owner);
	others.open(256);
	uint64_t failures = 0;
	uint64_t done = 0;
	/* Both channels connect meanwhile, however long that takes. */
	auto deadline = Clock::now() + kPatience;
	for (int round = 0;
	     round < 2000 || (done < 100 && Clock::now() < deadline); round++) {
		/* Plain stores and commits of the same bytes, in one batch. */
		iovec iov{data_.data(), kSmall};
		fi_rma_iov rma{kBase, kSmall, key};
		fi_msg_rma msg{};
		msg.msg_iov = &iov;
		msg.iov_count = 1;
		msg.rma_iov = &rma;
		msg.rma_iov_count = 1;
		OpRequest write = OpRequest::write(msg).report();
		OpRequest commit =
			OpRequest::write(msg).at(Level::commit).report();
		static_cast<void>(others.submit(write, 0));
		static_cast<void>(channels_->submit(commit, 0));
		other.progress();
		initiator_->progress();
		for (; !owner_.results.empty(); owner_.results.pop_front()) {
			failures += bool(owner_.results.front().failure);
			done++;
		}
		other_owner.results.clear();
	}
	EXPECT_EQ(failures, 0u);
	EXPECT_GE(done, 100u);
}

} // namespace ofi_pmem::test
