/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a channel does that cannot remember all that it wrote:
 * it has the oldest flushed early, and the next drain covers that, too.
 */
#include "fixture/nic_fixture.hh"

#include <algorithm>
#include <random>

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kTable = DirtyRanges::kCapacity;
constexpr size_t kHalf = kTable / 2;

/* A Flush request, as it was posted. */
struct FlushRequest {
	uint16_t flags;
	std::vector<wire::Range> ranges;
};

/* The region is of page granularity: the service flushes everything. */
class EarlyFlush : public NicFixture
{
protected:
	static constexpr uint64_t kStep = kRegionLen / 256;

	void SetUp() override
	{
		NicFixture::SetUp();
		open_page_region();
	}

	void open_page_region()
	{
		FakeMedium *medium = add_medium(kDmp);
		medium->granularity = Granularity::page;
		open_region(medium);
	}

	/* Writes 8 bytes of this value to places `from` to `to`. */
	void write_words(size_t from, size_t to, uint8_t value = 1)
	{
		for (size_t i = from; i < to; i++)
			EXPECT_FALSE(write(kWrite, Bytes(8, value), i * kStep));
	}

	Failure drain() { return write(kFencedCommit, {}, 0); }

	void expect_durable(size_t from, size_t to, uint8_t value = 1)
	{
		for (size_t i = from; i < to; i++)
			EXPECT_EQ(durable(i * kStep, 8), Bytes(8, value)) << i;
	}

	/* The Flush requests since the last call. */
	std::vector<FlushRequest> take_flushes()
	{
		std::vector<FlushRequest> found;
		for (const Posted &one : nic_.take_posted()) {
			size_t len = 0;
			for (size_t at = 0;
			     at < one.bytes.size() && one.name == "message";
			     at += len) {
				const uint8_t *bytes = one.bytes.data() + at;
				len = wire::first_length(bytes,
							 one.bytes.size() - at);
				if (type_of(bytes) == std::string("Flush"))
					found.push_back(parse(bytes, len));
			}
		}
		return found;
	}

	static FlushRequest parse(const uint8_t *bytes, size_t len)
	{
		wire::Flush head;
		std::memcpy(&head, bytes, sizeof(head));
		FlushRequest request{head.header.flags, {}};
		request.ranges.resize((len - sizeof(head)) /
				      sizeof(wire::Range));
		std::memcpy(request.ranges.data(), bytes + sizeof(head),
			    len - sizeof(head));
		return request;
	}
};

class EarlyFlushByNic : public EarlyFlush
{
protected:
	void SetUp() override
	{
		NicFixture::SetUp();
		open_region(add_medium(kDmp));
	}
};

} // namespace

TEST_F(EarlyFlush, IsOfTheOldestAndDoesNotCommit)
{
	write_words(0, kTable);
	EXPECT_TRUE(take_flushes().empty());
	write_words(kTable, kTable + 1);
	auto early = take_flushes();
	ASSERT_EQ(early.size(), 1u);
	EXPECT_FALSE(early[0].flags & (wire::kCommit | wire::kFence));
	ASSERT_EQ(early[0].ranges.size(), kHalf);
	for (size_t i = 0; i < kHalf; i++) {
		EXPECT_EQ(early[0].ranges[i].offset, i * kStep);
		EXPECT_EQ(early[0].ranges[i].length, 8u);
	}
	EXPECT_FALSE(drain());
	auto last = take_flushes();
	ASSERT_EQ(last.size(), 1u);
	EXPECT_TRUE(last[0].flags & wire::kCommit);
	EXPECT_EQ(last[0].ranges.size(), kHalf + 1);
	expect_durable(0, kTable + 1);
}

TEST_F(EarlyFlush, IsDrainedThoughTheDrainNamesNothingOfThatRegion)
{
	FakeMedium *first = medium_;
	write_words(0, kHalf);
	open_page_region();
	write_words(0, kHalf + 1, 2);
	EXPECT_EQ(take_flushes().size(), 1u);
	EXPECT_FALSE(drain());
	auto last = take_flushes();
	ASSERT_EQ(last.size(), 1u);
	ASSERT_EQ(last[0].ranges.size(), kHalf + 1);
	for (const wire::Range &range : last[0].ranges)
		EXPECT_EQ(range.token, Key(key_).token());
	expect_durable(0, kHalf + 1, 2);
	medium_ = first;
	expect_durable(0, kHalf);
}

TEST_F(EarlyFlush, ThatFailsFailsTheNextDrain)
{
	write_words(0, kTable);
	medium_->flush_result = -FI_EIO;
	FakeMedium *failing = medium_;
	open_page_region();
	write_words(0, 1);
	failing->flush_result = 0;
	Failure failure = drain();
	EXPECT_EQ(failure.err, FI_EIO);
	EXPECT_EQ(failure.cause, Cause::earlier_write_failed);
}

/* Nothing else of the drain has to do with that region. */
TEST_F(EarlyFlush, OfAClosedRegionFailsTheNextDrain)
{
	write_words(0, kHalf);
	uint64_t closed = Key(key_).token();
	open_page_region();
	table_.remove(closed);
	write_words(0, kHalf + 1);
	EXPECT_EQ(take_flushes().size(), 1u);
	Failure failure = drain();
	EXPECT_EQ(failure.err, FI_ENOKEY);
	EXPECT_EQ(failure.cause, Cause::earlier_write_failed);
	EXPECT_FALSE(drain());
}

TEST_F(EarlyFlush, IsLostWithItsChannel)
{
	write_words(0, kTable + 1);
	EXPECT_EQ(take_flushes().size(), 1u);
	nic_.fail_next(OneSided::Kind::write);
	EXPECT_TRUE(write(kWrite, Bytes(65536, 1), 0));
	EXPECT_EQ(drain().err, FI_ECONNABORTED);
	EXPECT_FALSE(drain());
}

/* The first of the oldest comes again, with the Flush and after it. */
TEST_F(EarlyFlush, DoesNotCoverWhatIsWrittenAgain)
{
	for (uint64_t again : {uint64_t{0}, uint64_t{8}}) {
		write_words(0, kTable);
		take_flushes();
		EXPECT_FALSE(write(kWrite, Bytes(8, 2), again));
		EXPECT_EQ(take_flushes().size(), 1u);
		EXPECT_FALSE(write(kWrite, Bytes(8, 3), kStep));
		EXPECT_FALSE(drain());
		EXPECT_EQ(durable(again, 8), Bytes(8, 2));
		expect_durable(1, 2, 3);
		expect_durable(2, kTable);
	}
}

/*
 * The NIC writes all of it behind that flush, which the last range needs, and
 * which must not take the first along, by which the oldest has grown.
 */
TEST_F(EarlyFlush, ComesBeforeAllRangesOfAnOperation)
{
	constexpr size_t kLen = 3000;
	write_words(0, kTable - 1);
	take_flushes();
	Bytes data(3 * kLen, 7);
	iovec iov{data.data(), data.size()};
	fi_rma_iov rma[] = {{kBase, kLen, key_},
			    {kBase + 200 * kStep, kLen, key_},
			    {kBase + 220 * kStep, kLen, key_}};
	ASSERT_EQ(submit_ranges(kWrite, &iov, 1, rma, 3), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(take_flushes().size(), 1u);
	EXPECT_FALSE(drain());
	auto last = take_flushes();
	ASSERT_EQ(last.size(), 1u);
	for (const fi_rma_iov &one : rma) {
		wire::Range written{Key(key_).token(), one.addr - kBase, kLen};
		EXPECT_TRUE(std::any_of(
			last[0].ranges.begin(), last[0].ranges.end(),
			[&](const wire::Range &range) {
				return overlap(range, written) &&
				       range.length >= kLen;
			}));
	}
}

TEST_F(EarlyFlush, IsCoveredByAFlushOfItsRegion)
{
	Call region = kCommit;
	region.flush = FlushScope::regions;
	write_words(0, kTable + 1);
	fi_rma_iov range{kBase, 1, key_};
	ASSERT_EQ(submit_ranges(region, nullptr, 0, &range, 1), 0);
	EXPECT_FALSE(wait().failure);
	expect_durable(0, kTable + 1);
}

class EarlyFlushWithoutCredits : public EarlyFlush
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_INLINE_SIZE", "8");
		EarlyFlush::SetUp();
	}
};

/* A little more is flushed than was written. */
TEST_F(EarlyFlushWithoutCredits, GivesWayToMerges)
{
	constexpr size_t kLen = 100; /* the NIC writes it */
	constexpr size_t kMerged = 10;
	auto post = [&](size_t len, uint64_t offset) {
		return try_submit(kWrite, keep(Bytes(len, 1)), len, offset,
				  key_);
	};
	nic_.hold();
	for (size_t i = 0; i < wire::kMaxCredits; i++)
		ASSERT_EQ(post(8, i * kStep), 0);
	for (size_t i = wire::kMaxCredits; i < kTable; i++)
		ASSERT_EQ(post(kLen, i * kStep), 0);
	for (size_t i = kTable - kMerged; i < kTable; i++)
		ASSERT_EQ(post(kLen, i * kStep + 2 * kLen), 0);
	EXPECT_TRUE(take_flushes().empty());
	nic_.release();
	for (size_t i = 0; i < kTable + kMerged; i++)
		EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(drain());
	auto last = take_flushes();
	ASSERT_EQ(last.size(), 1u);
	EXPECT_EQ(last[0].ranges.size(), kTable);
	for (const wire::Range &range : last[0].ranges)
		EXPECT_LE(range.length, 3 * kLen);
	expect_durable(0, kTable);
	for (size_t i = kTable - kMerged; i < kTable; i++)
		EXPECT_EQ(durable(i * kStep + 2 * kLen, kLen), Bytes(kLen, 1));
}

TEST_F(EarlyFlushByNic, IsAChainOfFlushes)
{
	write_words(0, kTable);
	for (const Posted &one : nic_.take_posted())
		EXPECT_EQ(one.name, "write");
	write_words(kTable, kTable + 1);
	auto early = nic_.take_posted();
	ASSERT_EQ(early.size(), nic_.traits.max_chain + 1);
	for (size_t i = 0; i < nic_.traits.max_chain; i++) {
		EXPECT_EQ(early[i].name, "flush_persistent");
		EXPECT_EQ(early[i].addr, address(i * kStep));
	}
	expect_durable(0, nic_.traits.max_chain);
	EXPECT_FALSE(drain());
	EXPECT_EQ(nic_.take_posted().size(),
		  kTable + 1 - nic_.traits.max_chain);
	expect_durable(0, kTable + 1);
}

TEST_F(EarlyFlushByNic, ThatFailsFailsTheNextDrain)
{
	write_words(0, kTable);
	nic_.fail_next(OneSided::Kind::flush_persistent);
	static_cast<void>(write(kWrite, Bytes(8, 1), kTable * kStep));
	EXPECT_EQ(drain().err, FI_ECONNABORTED);
	EXPECT_FALSE(drain());
}

/* One READ pushes all of them out. */
TEST_F(EarlyFlushByNic, IsOneReadIfThatIsTheMethod)
{
	nic_.traits.native_flush = false;
	nic_.flushable = false;
	open_region(add_medium(kMhp));
	write_words(0, kTable);
	nic_.take_posted();
	write_words(kTable, kTable + 1);
	EXPECT_EQ(names(nic_.take_posted()), (Words{"read", "write"}));
	EXPECT_FALSE(drain());
	EXPECT_EQ(names(nic_.take_posted()), Words{"read"});
}

/* Places are written again and again; the last value of each is durable. */
TEST_F(EarlyFlushByNic, AndByTheServiceKeepNothingBackOnAWeakNic)
{
	struct Region {
		FakeMedium *medium;
		uint64_t key;
		Bytes expected;
	};
	std::vector<Region> regions;
	regions.push_back({medium_, key_, Bytes(kRegionLen)});
	open_page_region();
	regions.push_back({medium_, key_, Bytes(kRegionLen)});
	for (uint64_t seed = 1; seed <= 20 && !HasFailure(); seed++) {
		SCOPED_TRACE(seed);
		nic_.be_weak(seed);
		std::mt19937_64 random(seed);
		for (int i = 0; i < 600; i++) {
			Region &region = regions[random() % 2];
			size_t len = random() % 4 ? 8 : 5000;
			uint64_t offset = random() % 250 * kStep;
			key_ = region.key;
			Bytes data(len, static_cast<uint8_t>(random()));
			EXPECT_FALSE(write(kWrite, data, offset));
			std::copy(data.begin(), data.end(),
				  &region.expected[offset]);
		}
		EXPECT_FALSE(drain());
		for (const Region &region : regions) {
			medium_ = region.medium;
			EXPECT_TRUE(durable(0, kRegionLen) == region.expected);
		}
	}
}

} // namespace ofi_pmem::test
