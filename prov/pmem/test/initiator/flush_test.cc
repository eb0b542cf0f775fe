/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a flush posts, depending on its ranges, on how far it
 * takes them, and on who wrote there: the NIC or the service.
 */
#include "fixture/nic_fixture.hh"

#include <sys/mman.h>

namespace ofi_pmem::test
{

namespace
{

constexpr Call kInject{true, Level::transmit, false, true};

constexpr Call flush_call(FlushScope scope, Level level = Level::commit)
{
	bool drain = scope == FlushScope::everything && level == Level::commit;
	return {true, level, drain, false, scope};
}
constexpr Call kRanges = flush_call(FlushScope::ranges);
constexpr Call kRegions = flush_call(FlushScope::regions);
constexpr Call kEverything = flush_call(FlushScope::everything);

class FlushPosting : public NicFixture
{
protected:
	/* How a flush of these bytes of the region ended. */
	Failure flush(const Call &call, uint64_t offset = 0, size_t len = 1)
	{
		fi_rma_iov range{kBase + offset, len, key_};
		ssize_t ret = submit_ranges(call, nullptr, 0, &range, 1);
		if (ret)
			return {static_cast<int>(-ret), Cause::inner_provider};
		OpResult result = wait();
		EXPECT_EQ(result.len, 0u);
		EXPECT_EQ(result.flags, uint64_t{FI_RMA | FI_WRITE});
		return result.failure;
	}

	/* Bytes of this value that are not committed. */
	void leave(uint8_t value, uint64_t offset, size_t len,
		   const Call &call = kWrite)
	{
		EXPECT_FALSE(write(call, Bytes(len, value), offset));
		nic_.take_posted();
	}

	Words posted() { return names(nic_.take_posted()); }
};

} // namespace

TEST_F(FlushPosting, OfARangeIsOneFlush)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 1000);
	leave(8, 8192, 1000);
	EXPECT_FALSE(flush(kRanges, 4100, 500));
	auto one = nic_.take_posted();
	ASSERT_EQ(names(one), Words{"flush_persistent"});
	EXPECT_EQ(one[0].addr, address(4100));
	EXPECT_EQ(one[0].len, 500u);
	EXPECT_EQ(durable(4100, 500), Bytes(500, 7));
	EXPECT_EQ(durable(8192, 1000), Bytes(1000, 0));
}

TEST_F(FlushPosting, DrainBehindItNeedsNotFlushTheSameAgain)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 1000);
	leave(8, 8192, 1000);
	EXPECT_FALSE(flush(kRanges, 4096, 1000));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	auto drain = nic_.take_posted();
	ASSERT_EQ(names(drain), Words{"flush_persistent"});
	EXPECT_EQ(drain[0].addr, address(8192));
}

TEST_F(FlushPosting, OfARegionIsWhatWasWrittenThere)
{
	FakeMedium *other = add_medium(kDmp);
	open_region(other);
	leave(6, 0, 300);
	open_region(add_medium(kDmp));
	leave(7, 4096, 300);
	leave(8, 8192, 300);
	EXPECT_FALSE(flush(kRegions));
	EXPECT_EQ(durable(4096, 300), Bytes(300, 7));
	EXPECT_EQ(durable(8192, 300), Bytes(300, 8));
	for (const Posted &one : nic_.take_posted()) {
		EXPECT_EQ(one.name, "flush_persistent");
		EXPECT_LE(one.len, 300u);
	}
}

/* Else it would complete before a commit on its way. */
TEST_F(FlushPosting, OfACleanRegionIsStillBehindWhatWasPosted)
{
	open_region(add_medium(kDmp));
	commit(Bytes(300, 7), 4096);
	nic_.take_posted();
	EXPECT_FALSE(flush(kRegions));
	EXPECT_EQ(posted(), Words{"flush_persistent"});
}

TEST_F(FlushPosting, OfEverythingIsADrain)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 300);
	leave(8, 8192, 300);
	EXPECT_FALSE(flush(kEverything));
	EXPECT_EQ(posted(), (Words{"flush_persistent", "flush_persistent"}));
	EXPECT_EQ(durable(8192, 300), Bytes(300, 8));
}

TEST_F(FlushPosting, VisibleIsNotDurable)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 300);
	EXPECT_FALSE(flush(flush_call(FlushScope::ranges, Level::delivery),
			   4096, 300));
	EXPECT_EQ(posted(), Words{"flush_visible"});
	for (auto scope : {FlushScope::regions, FlushScope::everything}) {
		EXPECT_FALSE(flush(flush_call(scope, Level::delivery)));
		EXPECT_EQ(posted(), Words{"Flush"});
	}
	EXPECT_EQ(durable(4096, 300), Bytes(300, 0));
	EXPECT_FALSE(flush(kRanges, 4096, 300));
	EXPECT_EQ(durable(4096, 300), Bytes(300, 7));
}

/* The NIC's FLUSH does not reach the caches of the CPU. */
TEST_F(FlushPosting, OfWhatTheServiceStoredIsARequest)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 8, kInject);
	leave(8, 8192, 300);
	EXPECT_FALSE(flush(kRanges, 8192, 300));
	EXPECT_EQ(posted(), Words{"flush_persistent"});
	EXPECT_FALSE(flush(kRanges, 4100, 1));
	EXPECT_EQ(posted(), Words{"Flush"});
	EXPECT_EQ(durable(4100, 1), Bytes(1, 7));
	EXPECT_FALSE(flush(kRegions));
	EXPECT_EQ(posted(), Words{"Flush"});
	EXPECT_EQ(durable(4096, 8), Bytes(8, 7));
	/* Nothing is left for the service to flush. */
	EXPECT_FALSE(flush(kRegions));
	EXPECT_EQ(posted(), Words{"flush_persistent"});
}

TEST_F(FlushPosting, BehindAnUnansweredRequestIsARequest)
{
	open_region(add_medium(kDmp));
	nic_.hold();
	ASSERT_EQ(submit(kInject, keep(Bytes(8, 7)), 8, 4096, key_), 0);
	fi_rma_iov range{kBase + 4096, 8, key_};
	ASSERT_EQ(submit_ranges(kRanges, nullptr, 0, &range, 1), 0);
	EXPECT_EQ(posted(), (Words{"Write", "Flush"}));
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(4096, 8), Bytes(8, 7));
}

TEST_F(FlushPosting, BehindAnUnansweredFlushIsARequest)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 8, kInject);
	nic_.hold();
	fi_rma_iov range{kBase + 4096, 8, key_};
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(submit_ranges(kRanges, nullptr, 0, &range, 1), 0);
	EXPECT_EQ(posted(), (Words{"Flush", "Flush"}));
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
}

TEST_F(FlushPosting, OfOtherMethodsIsWhatTheyNeed)
{
	nic_.traits.native_flush = false;
	nic_.flushable = false;
	open_region(add_medium(kMhp));
	leave(7, 4096, 300);
	EXPECT_FALSE(flush(kRanges, 4096, 300));
	EXPECT_EQ(posted(), Words{"read"});
	EXPECT_FALSE(flush(kRegions));
	EXPECT_EQ(posted(), Words{"read"});
	open_region(add_medium(kWsp));
	leave(7, 4096, 300);
	EXPECT_FALSE(flush(kRanges, 4096, 300));
	EXPECT_EQ(posted(), Words{"Flush"});
	FakeMedium *page = add_medium(kDmp);
	page->granularity = Granularity::page;
	open_region(page);
	leave(7, 4096, 300);
	EXPECT_FALSE(flush(kRegions));
	EXPECT_EQ(posted(), Words{"Flush"});
	EXPECT_EQ(durable(4096, 300), Bytes(300, 7));
}

TEST_F(FlushPosting, ThatFailsFailsTheDrainBehindIt)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 300);
	nic_.fail_next(OneSided::Kind::flush_persistent);
	EXPECT_EQ(flush(kRanges, 4096, 300).cause, Cause::connection_lost);
	EXPECT_EQ(write(kFencedCommit, {}, 0).err, FI_ECONNABORTED);
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
}

TEST_F(FlushPosting, DoesNotVouchForWhatWasLost)
{
	for (const Call &call :
	     {kRanges, kRegions, kEverything,
	      flush_call(FlushScope::ranges, Level::delivery)}) {
		open_region(add_medium(kDmp));
		leave(7, 4096, 300);
		nic_.fail_next(OneSided::Kind::write);
		EXPECT_TRUE(write(kCommit, Bytes(300, 1), 8192));
		EXPECT_EQ(flush(call, 4096, 300).err, FI_ECONNABORTED);
		EXPECT_FALSE(flush(call, 4096, 300));
	}
}

/* This is more than one FLUSH can take; none of the memory is ever touched. */
TEST_F(FlushPosting, OfMoreThan4GiBIsInShorterOnes)
{
	constexpr size_t kLen = 5ULL << 30;
	void *memory = mmap(nullptr, kLen, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(memory, MAP_FAILED);
	open_hollow_region(static_cast<uint8_t *>(memory), kLen,
			   add_medium(kDmp));
	EXPECT_FALSE(flush(kRanges, 100, kLen - 100));
	uint64_t next = address(100);
	for (const Posted &one : nic_.take_posted()) {
		EXPECT_EQ(one.name, "flush_persistent");
		EXPECT_EQ(one.addr, next);
		EXPECT_LT(one.len, 1ULL << 32);
		next += one.len;
	}
	EXPECT_EQ(next, address(kLen));
	munmap(memory, kLen);
}

TEST_F(FlushPosting, OfAllPeersIsOneCompletion)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 300);
	FakeMedium *second = add_medium(kDmp);
	Service other(*transport_, &table_);
	ASSERT_EQ(other.open(), 0);
	uint64_t key =
		Key(other.port(), Key(add_region(second)).token()).value();
	ASSERT_EQ(submit(kWrite, keep(Bytes(300, 8)), 300, 0, key), 0);
	ASSERT_FALSE(wait().failure);
	nic_.take_posted();
	int context = 0;
	ASSERT_EQ(channels_->drain_all(&context, true, false), 0);
	EXPECT_EQ(posted(), (Words{"flush_persistent", "flush_persistent"}));
	OpResult result = wait();
	EXPECT_FALSE(result.failure);
	EXPECT_EQ(result.context, &context);
	initiator_->progress();
	EXPECT_TRUE(owner_.results.empty());
	EXPECT_EQ(durable(4096, 300), Bytes(300, 7));
	EXPECT_EQ(second->durable[299], 8);
	/* Nothing to do, which completes as well. */
	ASSERT_EQ(channels_->drain_all(&context, true, false), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(posted(), Words{});
	/* The channel to `other` goes before it does. */
	channels_.reset();
}

TEST_F(FlushPosting, OfAllPeersFailsIfOneDoes)
{
	open_region(add_medium(kDmp));
	leave(7, 4096, 300);
	nic_.fail_next(OneSided::Kind::flush_persistent);
	ASSERT_EQ(channels_->drain_all(nullptr, true, false), 0);
	EXPECT_EQ(wait().failure.cause, Cause::connection_lost);
	EXPECT_EQ(channels_->drain_all(nullptr, true, false), -FI_ECONNABORTED);
	ASSERT_EQ(channels_->drain_all(nullptr, true, false), 0);
	EXPECT_FALSE(wait().failure);
}

} // namespace ofi_pmem::test
