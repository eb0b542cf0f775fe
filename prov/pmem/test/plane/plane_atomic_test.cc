/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomics through both halves of the persistence plane: what the medium holds,
 * when it is durable, what comes back, and what failures do.
 */
#include "fixture/held_lock.hh"
#include "fixture/plane_fixture.hh"

#include <rdma/fi_atomic.h>

namespace ofi_pmem::test
{

namespace
{

constexpr uint64_t kBaseFlags = FI_ATOMIC | FI_WRITE;
constexpr uint64_t kFetchFlags = FI_ATOMIC | FI_READ;

/* One operation on 64-bit words of one region. */
struct AtomicCall {
	unsigned op = FI_SUM;
	bool fetch = true;
	Level level = Level::transmit;
	bool fence = false;
	bool inject = false;
};

class PlaneAtomic : public PlaneFixture
{
protected:
	void SetUp() override
	{
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kRegionLen);
		key_ = add_region(medium_);
	}

	/* At most one element unless the test fills ranges_ itself. */
	ssize_t try_submit_atomic(const AtomicCall &call)
	{
		iovec operands{operands_, len()};
		iovec compare{compare_, len()};
		iovec result{result_, len()};
		fi_msg_rma msg{};
		msg.msg_iov = &operands;
		msg.iov_count = call.op == FI_ATOMIC_READ ? 0 : 1;
		msg.rma_iov = ranges_.data();
		msg.rma_iov_count = ranges_.size();
		msg.context = operands_;
		bool compares = call.op >= FI_CSWAP && call.op <= FI_MSWAP;
		AtomicOp atomic{
			datatype_,	     static_cast<uint8_t>(call.op),
			call.fetch,	     &compare,
			compares ? 1u : 0u,  &result,
			call.fetch ? 1u : 0u};
		return channels_->submit(OpRequest::atomic(msg, atomic)
						 .at(call.level)
						 .fence(call.fence)
						 .inject(call.inject)
						 .report(),
					 0);
	}

	ssize_t submit_atomic(const AtomicCall &call)
	{
		return until_taken([&] { return try_submit_atomic(call); });
	}

	OpResult run(const AtomicCall &call)
	{
		ssize_t ret = submit_atomic(call);
		EXPECT_EQ(ret, 0);
		return ret ? OpResult{} : wait();
	}

	void aim(uint64_t offset, size_t words = 1)
	{
		ranges_ = {{kBase + offset, words * 8, key_}};
	}

	size_t len() const
	{
		size_t sum = 0;
		for (const auto &range : ranges_)
			sum += range.len;
		return sum;
	}

	static uint64_t word(const std::vector<uint8_t> &bytes, uint64_t offset)
	{
		uint64_t value;
		std::memcpy(&value, &bytes[offset], sizeof(value));
		return value;
	}
	uint64_t visible(uint64_t offset)
	{
		std::lock_guard guard(medium_->mutex);
		return word(medium_->visible, offset);
	}
	uint64_t durable(uint64_t offset)
	{
		std::lock_guard guard(medium_->mutex);
		return word(medium_->durable, offset);
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint8_t datatype_ = FI_UINT64;
	std::vector<fi_rma_iov> ranges_;
	uint64_t operands_[8] = {5, 6, 7, 8};
	uint64_t compare_[8] = {};
	uint64_t result_[8] = {99, 99, 99, 99};
};

} // namespace

TEST_F(PlaneAtomic, BaseChangesTheMediumAndFetchesNothing)
{
	aim(16);
	AtomicCall add;
	add.fetch = false;
	OpResult result = run(add);
	EXPECT_EQ(result.failure.err, 0);
	EXPECT_EQ(result.flags, kBaseFlags);
	EXPECT_EQ(result.len, 8u);
	EXPECT_EQ(visible(16), 5u);
	EXPECT_EQ(result_[0], 99u);
}

TEST_F(PlaneAtomic, FetchGivesWhatWasThere)
{
	aim(16);
	run({});
	OpResult result = run({});
	EXPECT_EQ(result.flags, kFetchFlags);
	EXPECT_EQ(result_[0], 5u);
	EXPECT_EQ(visible(16), 10u);
}

TEST_F(PlaneAtomic, DeliveredIsVisibleAndNotYetDurable)
{
	aim(16);
	AtomicCall add;
	add.level = Level::delivery;
	run(add);
	EXPECT_EQ(visible(16), 5u);
	EXPECT_EQ(durable(16), 0u);
	Call drain;
	drain.level = Level::commit;
	drain.fence = true;
	ASSERT_EQ(submit(drain, operands_, 0, 0, key_), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(durable(16), 5u);
}

TEST_F(PlaneAtomic, CommittedIsDurableWhenItCompletes)
{
	for (bool fetch : {false, true}) {
		aim(fetch ? 800 : 80);
		AtomicCall add;
		add.fetch = fetch;
		add.level = Level::commit;
		EXPECT_EQ(run(add).failure.err, 0);
		EXPECT_EQ(durable(fetch ? 800 : 80), 5u);
	}
}

TEST_F(PlaneAtomic, FencedCommitMakesEarlierDeliveriesDurable)
{
	aim(16);
	run({});
	aim(800);
	AtomicCall fenced;
	fenced.level = Level::commit;
	fenced.fence = true;
	EXPECT_EQ(run(fenced).failure.err, 0);
	EXPECT_EQ(durable(16), 5u);
	EXPECT_EQ(durable(800), 5u);
}

/*
 * The service flushes what no longer fits the list of uncommitted ranges; the
 * atomic that comes after that is not included.
 */
TEST_F(PlaneAtomic, DrainCoversAllRangesOfOneThatFillsTheDirtyRanges)
{
	Call write;
	write.level = Level::delivery;
	for (size_t i = 0; i < DirtyRanges::kCapacity - 1; i++) {
		uint64_t key = add_region(&media_.emplace_back(64));
		ASSERT_EQ(submit(write, operands_, 8, 0, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
	}
	ranges_.clear();
	for (size_t i = 0; i < 3; i++)
		ranges_.push_back(
			{kBase, 8, add_region(&media_.emplace_back(64))});
	EXPECT_EQ(run({}).failure.err, 0);
	Call drain;
	drain.level = Level::commit;
	drain.fence = true;
	ASSERT_EQ(submit(drain, operands_, 0, 0, key_), 0);
	EXPECT_EQ(wait().failure.err, 0);
	for (FakeMedium &medium : media_) {
		std::lock_guard guard(medium.mutex);
		EXPECT_EQ(medium.durable, medium.visible);
	}
}

/* A swap that finds something else leaves the bytes alone, yet flushes them. */
TEST_F(PlaneAtomic, SwapThatFailsStoresNothing)
{
	aim(16);
	run({});
	size_t stores = medium_->count("store");
	compare_[0] = 77;
	AtomicCall swap;
	swap.op = FI_CSWAP;
	swap.level = Level::commit;
	EXPECT_EQ(run(swap).failure.err, 0);
	EXPECT_EQ(result_[0], 5u);
	EXPECT_EQ(medium_->count("store"), stores);
	EXPECT_EQ(durable(16), 5u);
}

TEST_F(PlaneAtomic, CommittedFetchesThatArriveTogetherShareADrain)
{
	aim(16);
	run({});
	size_t drains = medium_->count("drain");
	AtomicCall add;
	add.level = Level::commit;
	{
		HeldLock hold(table_.lock());
		for (int i = 0; i < 16; i++)
			ASSERT_EQ(try_submit_atomic(add), 0);
	}
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(durable(16), 85u);
	EXPECT_LT(medium_->count("drain") - drains, 8u);
}

TEST_F(PlaneAtomic, RangesOfSeveralRegionsAreOneOperation)
{
	FakeMedium &other = media_.emplace_back(kRegionLen);
	uint64_t other_key = add_region(&other);
	ranges_ = {{kBase + 8, 16, key_}, {kBase + 40, 8, other_key}};
	AtomicCall add;
	add.level = Level::commit;
	EXPECT_EQ(run(add).failure.err, 0);
	EXPECT_EQ(durable(8), 5u);
	EXPECT_EQ(durable(16), 6u);
	EXPECT_EQ(word(other.durable, 40), 7u);
	EXPECT_EQ(result_[2], 0u);
}

TEST_F(PlaneAtomic, OneBadRangeLeavesAllUntouched)
{
	FakeMedium &other = media_.emplace_back(kRegionLen);
	uint64_t other_key = add_region(&other);
	ranges_ = {{kBase + 8, 8, key_}, {kBase + 8, 8, other_key}};
	EXPECT_EQ(run({}).failure.err, 0);
	table_.remove(Key(other_key).token());
	OpResult result = run({});
	EXPECT_EQ(result.failure.err, FI_ENOKEY);
	EXPECT_EQ(result.failure.cause, Cause::unknown_key);
	EXPECT_EQ(result.flags, kFetchFlags);
	EXPECT_EQ(visible(8), 5u);
}

TEST_F(PlaneAtomic, AccessFollowsWhatTheOperationDoes)
{
	auto outcome = [&](uint8_t access, unsigned op, bool fetch) {
		key_ = add_region(&media_.emplace_back(kRegionLen), access);
		aim(0);
		AtomicCall call;
		call.op = op;
		call.fetch = fetch;
		ssize_t ret = submit_atomic(call);
		return ret ? ret : ssize_t{-wait().failure.err};
	};
	EXPECT_EQ(outcome(wire::kRemoteWrite, FI_SUM, false), 0);
	EXPECT_EQ(outcome(wire::kRemoteWrite, FI_SUM, true), -FI_EACCES);
	EXPECT_EQ(outcome(wire::kRemoteWrite, FI_CSWAP, true), -FI_EACCES);
	EXPECT_EQ(outcome(wire::kRemoteRead, FI_SUM, false), -FI_EACCES);
	EXPECT_EQ(outcome(wire::kRemoteRead, FI_SUM, true), -FI_EACCES);
	EXPECT_EQ(outcome(wire::kRemoteRead, FI_ATOMIC_READ, true), 0);
	EXPECT_EQ(outcome(wire::kRemoteWrite, FI_ATOMIC_READ, true),
		  -FI_EACCES);
}

/* A read-only region can be read with a commit, which flushes it. */
TEST_F(PlaneAtomic, CommittedReadMakesDurableWhatItReturns)
{
	aim(16);
	run({});
	EXPECT_EQ(durable(16), 0u);
	AtomicCall read;
	read.op = FI_ATOMIC_READ;
	read.level = Level::commit;
	EXPECT_EQ(run(read).failure.err, 0);
	EXPECT_EQ(result_[0], 5u);
	EXPECT_EQ(durable(16), 5u);
}

TEST_F(PlaneAtomic, UnknownOperationFailsAndTheChannelGoesOn)
{
	aim(16);
	datatype_ = FI_FLOAT_COMPLEX;
	AtomicCall call;
	call.op = FI_MIN;
	OpResult result = run(call);
	EXPECT_EQ(result.failure.err, FI_EOPNOTSUPP);
	EXPECT_EQ(result.failure.cause, Cause::unsupported_atomic);
	datatype_ = FI_UINT64;
	EXPECT_EQ(run({}).failure.err, 0);
	EXPECT_EQ(visible(16), 5u);
}

TEST_F(PlaneAtomic, FailedFlushPoisonsTheRegionForAtomicsToo)
{
	aim(16);
	{
		std::lock_guard guard(medium_->mutex);
		medium_->flush_result = -FI_EIO;
	}
	AtomicCall commit;
	commit.level = Level::commit;
	EXPECT_EQ(run(commit).failure.cause, Cause::flush_failed);
	{
		std::lock_guard guard(medium_->mutex);
		medium_->flush_result = 0;
	}
	EXPECT_EQ(run({}).failure.cause, Cause::region_poisoned);
	EXPECT_EQ(visible(16), 5u);
}

TEST_F(PlaneAtomic, FailedDrainFailsTheCommittedFetch)
{
	aim(16);
	{
		std::lock_guard guard(medium_->mutex);
		medium_->drain_result = -FI_EIO;
	}
	AtomicCall commit;
	commit.level = Level::commit;
	EXPECT_EQ(run(commit).failure.cause, Cause::flush_failed);
	EXPECT_EQ(result_[0], 99u);
}

TEST_F(PlaneAtomic, AfterAFailureAFencedCommitIsNotExecuted)
{
	aim(16);
	run({});
	{
		std::lock_guard guard(medium_->mutex);
		medium_->store_result = -FI_ENOSPC;
	}
	EXPECT_EQ(run({}).failure.err, FI_ENOSPC);
	{
		std::lock_guard guard(medium_->mutex);
		medium_->store_result = 0;
	}
	AtomicCall fenced;
	fenced.level = Level::commit;
	fenced.fence = true;
	EXPECT_EQ(run(fenced).failure.cause, Cause::earlier_write_failed);
	EXPECT_EQ(visible(16), 5u);
	EXPECT_EQ(run(fenced).failure.err, 0);
	EXPECT_EQ(visible(16), 10u);
}

/* One-sided transfers must not overtake the atomic before them. */
TEST_F(PlaneAtomic, LargeTransfersOfTheSameBytesStayBehindIt)
{
	std::vector<uint8_t> large(100000);
	aim(16);
	run({});
	size_t loads = medium_->count("load");
	{
		HeldLock hold(table_.lock());
		ASSERT_EQ(try_submit_atomic({}), 0);
		Call read;
		read.write = false;
		ASSERT_EQ(try_submit(read, large.data(), large.size(), 0, key_),
			  0);
	}
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(word(large, 16), 10u);
	/* The read went by requests too, two of them. */
	EXPECT_EQ(medium_->count("load"), loads + 3);
}

TEST_F(PlaneAtomic, InjectSendsTheOperandsAtOnce)
{
	aim(16);
	AtomicCall add;
	add.fetch = false;
	add.inject = true;
	ASSERT_EQ(submit_atomic(add), 0);
	operands_[0] = 1000;
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(visible(16), 5u);
}

TEST_F(PlaneAtomic, OfNoElementsOnlyKeepsItsPlace)
{
	aim(16, 0);
	AtomicCall call;
	OpResult result = run(call);
	EXPECT_EQ(result.failure.err, 0);
	EXPECT_EQ(result.len, 0u);
	EXPECT_EQ(medium_->count("load"), 0u);
}

TEST_F(PlaneAtomic, LostConnectionFailsWhatIsOutstanding)
{
	aim(16);
	run({});
	{
		HeldLock hold(table_.lock());
		ASSERT_EQ(try_submit_atomic({}), 0);
		channels_->drop(0);
	}
	OpResult result = wait();
	EXPECT_EQ(result.failure.cause, Cause::connection_lost);
	EXPECT_EQ(result_[0], 0u); /* from the first */
}

/* It reads, but what it was to drain is lost with it. */
TEST_F(PlaneAtomic, LostFencedReadFailsTheNextDrain)
{
	aim(16);
	run({});
	AtomicCall fenced;
	fenced.op = FI_ATOMIC_READ;
	fenced.level = Level::commit;
	fenced.fence = true;
	{
		HeldLock hold(table_.lock());
		ASSERT_EQ(try_submit_atomic(fenced), 0);
		channels_->drop(0);
	}
	EXPECT_EQ(wait().failure.cause, Cause::connection_lost);
	EXPECT_EQ(channels_->drain_all(nullptr, true, false), -FI_ECONNABORTED);
	EXPECT_EQ(run(fenced).failure.err, 0);
}

} // namespace ofi_pmem::test
