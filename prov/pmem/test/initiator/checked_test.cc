/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Operations with FI_PMEM_VERIFY: what they post on each method, which blocks
 * they compare and when, and that each byte that went wrong is named, and no
 * other.
 */
#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kBlock = 4096;

constexpr Call kCheckedWrite = checked(kWrite);
constexpr Call kCheckedCommit = checked(kCommit);
constexpr Call kCheckedFence = checked(kFencedCommit);

constexpr Call checked_flush(FlushScope scope)
{
	bool drain = scope == FlushScope::everything;
	return checked({true, Level::commit, drain, false, scope});
}

class Checked : public NicFixture
{
protected:
	void TearDown() override
	{
		if (medium_)
			medium_->after_call = nullptr;
		for (const char *name :
		     {"FI_OFI_PMEM_DIGEST", "FI_OFI_PMEM_VERIFY_BLOCK"})
			unsetenv(name);
		NicFixture::TearDown();
	}

	/* Returns the result of a call, whose blocks are then in bad_. */
	OpResult run(const Call &call, const Bytes &data, uint64_t offset)
	{
		EXPECT_EQ(submit(call, keep(data), data.size(), offset, key_),
			  0);
		return result();
	}

	OpResult flush(FlushScope scope, uint64_t offset = 0, size_t len = 1)
	{
		fi_rma_iov range{kBase + offset, len, key_};
		EXPECT_EQ(submit_ranges(checked_flush(scope), nullptr, 0,
					&range, 1),
			  0);
		return result();
	}

	OpResult result()
	{
		OpResult done = wait();
		bad_ = *done.bad_blocks;
		return done;
	}

	/* One that reports what failed before. */
	OpResult fence() { return run(kFencedCommit, {}, 0); }

	void write_checked(const Bytes &data, uint64_t offset)
	{
		EXPECT_FALSE(run(kCheckedWrite, data, offset).failure);
	}

	static Bytes bytes(size_t len, uint8_t first)
	{
		Bytes made(len);
		for (size_t i = 0; i < len; i++)
			made[i] = static_cast<uint8_t>(first + i * 7 % 251);
		return made;
	}

	static Digest xxh3(const uint8_t *data, size_t len)
	{
		auto engine = open_digest(DigestAlgorithm::xxh3_64);
		engine->update(data, len);
		return engine->finish();
	}

	/* The next drain damages this byte in the durable image. */
	void corrupt(size_t offset)
	{
		medium_->after_call = [this, offset] {
			std::lock_guard guard(medium_->mutex);
			if (medium_->calls.back() != "drain")
				return;
			medium_->durable[offset] ^= 0x10;
			medium_->calls.emplace_back("corrupted");
		};
	}

	/* The only bad block is this one, which had this byte changed. */
	void expect_bad(uint64_t offset, size_t len, const Bytes &written)
	{
		ASSERT_EQ(bad_.size(), 1u);
		EXPECT_EQ(bad_[0].addr, kBase + offset);
		EXPECT_EQ(bad_[0].key, key_);
		EXPECT_EQ(bad_[0].length, len);
		EXPECT_EQ(bad_[0].reason, FI_PMEM_BAD_DIFFERS);
		EXPECT_EQ(bad_[0].digest, FI_PMEM_DIGEST_XXH3_64);
		EXPECT_TRUE(is(bad_[0].expected, written));
		EXPECT_TRUE(is(bad_[0].found, durable(offset, len)));
	}

	static bool is(const uint8_t *digest, const Bytes &of)
	{
		Digest right = xxh3(of.data(), of.size());
		return std::equal(right.bytes.begin(), right.bytes.end(),
				  digest);
	}

	Words posted() { return names(nic_.take_posted()); }

	std::vector<fi_pmem_bad_block> bad_;
};

/* Each kind of region by what makes its method. */
struct RegionKind {
	const char *name;
	PersistenceDomain domain;
	Granularity granularity;
	bool one_sided;
};

class CheckedMethods : public Checked,
		       public ::testing::WithParamInterface<RegionKind>
{
protected:
	void open()
	{
		FakeMedium *medium = add_medium(GetParam().domain);
		medium->granularity = GetParam().granularity;
		medium->one_sided = GetParam().one_sided;
		open_region(medium);
	}
};

class CheckedDigests : public Checked,
		       public ::testing::WithParamInterface<DigestAlgorithm>
{
};

const RegionKind kRegions[] = {
	{"native", kDmp, Granularity::cache_line, true},
	{"message", kDmp, Granularity::page, true},
	{"requests", kDmp, Granularity::page, false},
};

} // namespace

TEST_P(CheckedMethods, CommitsOfEverySizeAreComparedInOneRoundTrip)
{
	open();
	for (size_t len : {1, 8, 63, 4096, 4097, 65536, 70000, 300000}) {
		SCOPED_TRACE(len);
		Bytes data = bytes(len, 3);
		nic_.take_posted();
		nic_.hold();
		ASSERT_EQ(submit(kCheckedCommit, keep(data), len, 100, key_),
			  0);
		/* All of it, before anything was answered. */
		Words all = posted();
		nic_.release();
		EXPECT_EQ(all.back(), "Verify");
		EXPECT_EQ(
			std::count(all.begin(), all.end(), "flush_persistent"),
			0);
		OpResult done = result();
		EXPECT_FALSE(done.failure);
		EXPECT_EQ(done.len, len);
		EXPECT_TRUE(bad_.empty());
		EXPECT_EQ(durable(100, len), data);
	}
}

TEST_P(CheckedMethods, AByteThatGoesWrongIsNamedByItsBlock)
{
	open();
	for (size_t len : {1, 8, 4096, 4097, 300000}) {
		for (size_t at : {size_t{0}, len / 2, len - 1}) {
			SCOPED_TRACE(std::to_string(len) + " at " +
				     std::to_string(at));
			Bytes data = bytes(len, 3);
			corrupt(100 + at);
			OpResult done = run(kCheckedCommit, data, 100);
			medium_->after_call = nullptr;
			EXPECT_EQ(done.failure.err, FI_EIO);
			EXPECT_EQ(done.failure.cause, Cause::bad_blocks);
			size_t first = at / kBlock * kBlock;
			size_t short_of = std::min(kBlock, len - first);
			auto from =
				data.begin() + static_cast<ptrdiff_t>(first);
			expect_bad(100 + first, short_of,
				   {from,
				    from + static_cast<ptrdiff_t>(short_of)});
			/* The next fence reports it, for the last time. */
			EXPECT_TRUE(fence().failure);
		}
	}
}

TEST_P(CheckedMethods, WritesAreComparedByTheFlushBehindThem)
{
	open();
	Bytes first = bytes(5000, 1);
	Bytes second = bytes(300, 2);
	for (FlushScope scope : {FlushScope::regions, FlushScope::everything}) {
		write_checked(first, 0);
		write_checked(second, 20000);
		OpResult done = flush(scope);
		EXPECT_FALSE(done.failure);
		EXPECT_EQ(done.len, 5300u);
		EXPECT_EQ(durable(0, 5000), first);
		EXPECT_EQ(durable(20000, 300), second);
		/* They are compared once. */
		EXPECT_EQ(flush(scope).len, 0u);

		write_checked(first, 0);
		write_checked(second, 20000);
		corrupt(4999);
		done = flush(scope);
		medium_->after_call = nullptr;
		EXPECT_EQ(done.failure.cause, Cause::bad_blocks);
		expect_bad(4096, 904, {first.begin() + 4096, first.end()});
		EXPECT_TRUE(fence().failure);
	}
}

TEST_P(CheckedMethods, NothingIsStoredBehindABadBlock)
{
	open();
	Bytes record = bytes(200, 1);
	write_checked(record, 4096);
	corrupt(4100);
	OpResult done = run(kCheckedFence, Bytes(8, 9), 0);
	medium_->after_call = nullptr;
	EXPECT_EQ(done.failure.cause, Cause::bad_blocks);
	expect_bad(4096, 200, record);
	EXPECT_EQ(durable(0, 8), Bytes(8, 0));
	/* It is reported once. */
	done = run(kCheckedFence, Bytes(8, 9), 0);
	EXPECT_FALSE(done.failure);
	EXPECT_EQ(durable(0, 8), Bytes(8, 9));
}

TEST_P(CheckedMethods, InjectsAreTheProvidersAfterTheCall)
{
	open();
	for (Call call : {kCheckedCommit, kCheckedFence, kCheckedWrite}) {
		call.inject = true;
		Bytes data = bytes(40, 5);
		void *buffer = keep(data);
		nic_.hold();
		ASSERT_EQ(try_submit(call, buffer, 40, 64, key_), 0);
		std::memset(buffer, 0, 40);
		nic_.release();
		EXPECT_FALSE(result().failure);
		OpResult done = flush(FlushScope::everything);
		EXPECT_FALSE(done.failure);
		EXPECT_EQ(done.len, call.level == Level::commit ? 0u : 40u);
		EXPECT_EQ(durable(64, 40), data);
	}
}

INSTANTIATE_TEST_SUITE_P(Regions, CheckedMethods, ::testing::ValuesIn(kRegions),
			 [](const auto &test) {
				 return std::string(test.param.name);
			 });

TEST_F(Checked, OfANativeRegionTheServiceFlushes)
{
	open_region(add_medium(kDmp));
	EXPECT_FALSE(run(kCheckedCommit, Bytes(8, 1), 0).failure);
	EXPECT_EQ(posted(), (Words{"Write", "Verify"}));
	EXPECT_FALSE(run(kCheckedCommit, Bytes(10000, 1), 0).failure);
	EXPECT_EQ(posted(), (Words{"write", "Flush", "Verify"}));
	EXPECT_FALSE(run(kCheckedWrite, Bytes(10000, 2), 0).failure);
	EXPECT_EQ(posted(), Words{"write"});
	EXPECT_FALSE(run(kCheckedFence, Bytes(8, 3), 20000).failure);
	EXPECT_EQ(posted(), (Words{"Flush", "Verify", "Write", "Verify"}));
	/* The others go as ever. */
	EXPECT_FALSE(run(kCommit, Bytes(8, 4), 0).failure);
	EXPECT_EQ(posted(), (Words{"write", "flush_persistent"}));
}

/* Its request would pass that, and read what is not durable yet. */
TEST_F(Checked, ComparisonWaitsForAFlushUnderWay)
{
	open_region(add_medium(kDmp));
	write_checked(bytes(300, 1), 4096);
	nic_.take_posted();
	nic_.hold();
	fi_rma_iov range{kBase + 4096, 300, key_};
	Call by_nic = checked_flush(FlushScope::ranges);
	by_nic.checked = false;
	ASSERT_EQ(submit_ranges(by_nic, nullptr, 0, &range, 1), 0);
	EXPECT_EQ(posted(), Words{"flush_persistent"});
	ASSERT_EQ(submit_ranges(checked_flush(FlushScope::ranges), nullptr, 0,
				&range, 1),
		  0);
	EXPECT_EQ(posted(), Words{});
	nic_.release();
	EXPECT_EQ(wait().len, 0u);
	OpResult done = result();
	EXPECT_FALSE(done.failure);
	EXPECT_EQ(done.len, 300u);
}

TEST_F(Checked, FlushOfARangeComparesTheBlocksThatLieInIt)
{
	open_region(add_medium(kDmp));
	write_checked(bytes(3 * kBlock, 1), 0);
	EXPECT_EQ(flush(FlushScope::ranges, 1, 2 * kBlock).len, kBlock);
	EXPECT_EQ(flush(FlushScope::ranges, 0, 3 * kBlock).len, 2 * kBlock);
	EXPECT_EQ(flush(FlushScope::everything).len, 0u);
}

TEST_F(Checked, ALaterWriteVoidsTheBlocksThatItChanges)
{
	open_region(add_medium(kDmp));
	write_checked(bytes(3 * kBlock, 1), 0);
	EXPECT_FALSE(run(kWrite, Bytes(2, 9), kBlock - 1).failure);
	write_checked(Bytes(10, 8), 2 * kBlock + 5);
	OpResult done = flush(FlushScope::everything);
	EXPECT_FALSE(done.failure);
	EXPECT_EQ(done.len, 10u);
}

TEST_F(Checked, AnAtomicVoidsItsBlock)
{
	open_region(add_medium(kDmp));
	write_checked(bytes(kBlock, 1), 0);
	uint64_t one = 1;
	iovec operand{&one, sizeof(one)};
	fi_rma_iov range{kBase + 8, sizeof(one), key_};
	fi_msg_rma msg{};
	msg.msg_iov = &operand;
	msg.iov_count = 1;
	msg.rma_iov = &range;
	msg.rma_iov_count = 1;
	AtomicOp add{FI_UINT64, FI_SUM, false, nullptr, 0, nullptr, 0};
	OpRequest request = OpRequest::atomic(msg, add).report();
	ASSERT_EQ(until_taken([&] { return channels_->submit(request, 0); }),
		  0);
	EXPECT_FALSE(result().failure);
	OpResult done = flush(FlushScope::everything);
	EXPECT_FALSE(done.failure);
	EXPECT_EQ(done.len, 0u);
}

TEST_F(Checked, ScatterListsAndRangesAreComparedByRange)
{
	open_region(add_medium(kDmp));
	Bytes data = bytes(9000, 1);
	iovec local[3] = {{data.data(), 100},
			  {data.data() + 100, 8000},
			  {data.data() + 8100, 900}};
	fi_rma_iov ranges[2] = {{kBase + 1000, 5000, key_},
				{kBase + 9000, 4000, key_}};
	corrupt(9000 + 3999);
	ASSERT_EQ(submit_ranges(kCheckedCommit, local, 3, ranges, 2), 0);
	EXPECT_EQ(result().failure.cause, Cause::bad_blocks);
	medium_->after_call = nullptr;
	expect_bad(9000, 4000, {data.begin() + 5000, data.end()});

	ranges[1].addr = kBase + 5999;
	EXPECT_EQ(submit_ranges(kCheckedCommit, local, 3, ranges, 2),
		  -FI_EINVAL);
}

TEST_F(Checked, BlocksAreAsLongAsTheParameterSays)
{
	setenv("FI_OFI_PMEM_VERIFY_BLOCK", "100", 1);
	open_region(add_medium(kDmp));
	Bytes data = bytes(250, 1);
	corrupt(249);
	EXPECT_TRUE(run(kCheckedCommit, data, 0).failure);
	medium_->after_call = nullptr;
	expect_bad(200, 50, {data.begin() + 200, data.end()});
}

TEST_F(Checked, MoreBlocksThanAreKeptCommitAtOnce)
{
	setenv("FI_OFI_PMEM_VERIFY_BLOCK", "64", 1);
	open_region(add_medium(kDmp));
	static_assert(kRegionLen / 64 == ExpectedBlocks::kCapacity);
	/* The flush covers the last two blocks. */
	write_checked(bytes(kRegionLen - 128, 1), 128);
	write_checked(Bytes(10, 5), 0);
	write_checked(Bytes(10, 6), 10);
	EXPECT_EQ(durable(0, 20), Bytes(20, 0));
	write_checked(Bytes(10, 7), 20);
	EXPECT_EQ(durable(20, 10), Bytes(10, 7));
	OpResult done = flush(FlushScope::everything);
	EXPECT_FALSE(done.failure);
	EXPECT_EQ(done.len, kRegionLen - 128 + 20);
}

TEST_P(CheckedDigests, FindAFlippedBitAndPoison)
{
	DigestAlgorithm algorithm = GetParam();
	if (!(available_digests() & digest_bit(algorithm)))
		GTEST_SKIP() << "ISA-L here does not have it";
	setenv("FI_OFI_PMEM_DIGEST", to_string(algorithm), 1);
	open_region(add_medium(kDmp));
	Bytes data = bytes(9000, 1);
	EXPECT_FALSE(run(kCheckedCommit, data, 0).failure);
	corrupt(8191);
	EXPECT_TRUE(run(kCheckedCommit, data, 0).failure);
	medium_->after_call = nullptr;
	ASSERT_EQ(bad_.size(), 1u);
	EXPECT_EQ(bad_[0].addr, kBase + kBlock);
	EXPECT_EQ(bad_[0].digest, static_cast<fi_pmem_digest>(algorithm));
	medium_->unreadable = {8192};
	EXPECT_TRUE(run(kCheckedCommit, data, 0).failure);
	ASSERT_EQ(bad_.size(), 1u);
	EXPECT_EQ(bad_[0].addr, kBase + 2 * kBlock);
	EXPECT_EQ(bad_[0].reason, FI_PMEM_BAD_UNREADABLE);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, CheckedDigests,
			 ::testing::ValuesIn(kDigestAlgorithms),
			 [](const auto &test) {
				 return std::string(to_string(test.param));
			 });

TEST_F(Checked, BytesThatCannotBeReadAreNamed)
{
	open_region(add_medium(kDmp));
	medium_->unreadable = {5000};
	EXPECT_TRUE(run(kCheckedCommit, bytes(9000, 1), 0).failure);
	ASSERT_EQ(bad_.size(), 1u);
	EXPECT_EQ(bad_[0].addr, kBase + kBlock);
	EXPECT_EQ(bad_[0].reason, FI_PMEM_BAD_UNREADABLE);
}

TEST_F(Checked, AMissingFlushIsFound)
{
	open_region(add_medium(kDmp));
	/* A drain that drains nothing. */
	medium_->after_call = [this] {
		std::lock_guard guard(medium_->mutex);
		medium_->flushed.clear();
	};
	EXPECT_TRUE(run(kCheckedCommit, bytes(100, 1), 0).failure);
	medium_->after_call = nullptr;
	EXPECT_EQ(bad_.size(), 1u);
}

TEST_F(Checked, WhatWasNotComparedWhenTheConnectionIsLostIsReported)
{
	open_region(add_medium(kWsp));
	write_checked(bytes(100, 1), 0);
	channels_->drop(0);
	uint8_t byte = 0;
	EXPECT_EQ(channels_->drain_all(nullptr, true, false), -FI_ECONNABORTED);
	EXPECT_EQ(submit(kFencedCommit, &byte, 1, 0, key_), 0);
	EXPECT_FALSE(wait().failure);
}

TEST_F(Checked, NeedsToReadWhatItWrites)
{
	open_region(add_medium(kDmp));
	key_ = add_region(medium_, wire::kRemoteWrite);
	uint8_t byte = 0;
	EXPECT_EQ(submit(kCheckedCommit, &byte, 1, 0, key_), -FI_EACCES);
	EXPECT_EQ(submit(kCheckedWrite, &byte, 1, 0, key_), -FI_EACCES);
	EXPECT_EQ(submit(kCommit, &byte, 1, 0, key_), 0);
	EXPECT_FALSE(wait().failure);
}

} // namespace ofi_pmem::test
