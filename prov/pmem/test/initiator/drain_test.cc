/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a drain posts, and what waits until a drain or another
 * FLUSH under way has completed.
 */
#include "fixture/nic_fixture.hh"

#include <sys/mman.h>

namespace ofi_pmem::test
{

namespace
{

class Drains : public NativeNicFixture
{
};

class DrainsOfAnyNic : public NicFixture
{
};

TEST_F(Drains, DrainFlushesEachRangeOnce)
{
	std::vector<uint8_t> data(300, 0x22);
	for (uint64_t offset : {0, 8192, 300, 65536})
		EXPECT_FALSE(write(kWrite, data, offset));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	uint64_t flushed = 0;
	for (const Posted &one : nic_.take_posted()) {
		EXPECT_EQ(one.name, "flush_persistent");
		flushed += one.len;
	}
	EXPECT_EQ(flushed, 4 * data.size());
	for (uint64_t offset : {0, 300, 8192, 65536})
		EXPECT_EQ(durable(offset, data.size()), data);
	/* Nothing is left: somebody must answer. */
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	EXPECT_EQ(names(nic_.take_posted()), Words{"Flush"});
}

TEST_F(DrainsOfAnyNic, DrainByReadIsOneRead)
{
	nic_.flushable = false;
	FakeMedium *medium = add_medium(kMhp);
	open_region(medium);
	std::vector<uint8_t> data(300, 0x22);
	for (uint64_t offset : {0, 8192, 65536})
		EXPECT_FALSE(write(kWrite, data, offset));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	auto posted = nic_.take_posted();
	ASSERT_EQ(names(posted), Words{"read"});
	EXPECT_EQ(posted[0].len, 1u);
}

TEST_F(DrainsOfAnyNic, DrainOfAcknowledgedWritesAsksTheService)
{
	open_region(add_medium(kWsp));
	EXPECT_FALSE(write(kWrite, std::vector<uint8_t>(300, 1), 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	EXPECT_EQ(names(nic_.take_posted()), Words{"Flush"});
}

/* Soft-RoCE acknowledges a FLUSH of 4 GiB and flushes nothing. */
TEST_F(DrainsOfAnyNic, FlushesOfMoreThan4GiBAreShorterAndNeverEmpty)
{
	constexpr uint64_t kLen = 6ULL << 30;
	constexpr uint64_t kPart = 3ULL << 29;
	void *hollow = mmap(nullptr, kLen, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(hollow, MAP_FAILED);
	open_hollow_region(static_cast<uint8_t *>(hollow), kLen,
			   add_medium(kDmp));
	for (uint64_t offset = 0; offset < kLen; offset += kPart)
		EXPECT_FALSE(write_from(kWrite, hollow, kPart, offset));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	uint64_t next = address(0);
	for (const Posted &one : nic_.take_posted()) {
		EXPECT_EQ(one.name, "flush_persistent");
		EXPECT_EQ(one.addr, next);
		EXPECT_GT(one.len, 0u);
		EXPECT_LT(one.len, 1ULL << 32);
		next += one.len;
	}
	EXPECT_EQ(next, address(kLen));
	close_region();
	munmap(hollow, kLen);
}

/* A drain that stops for want of room goes on from there, and is complete. */
TEST_F(DrainsOfAnyNic, DrainGoesOnWhenTheSendQueueWasFull)
{
	nic_.capacity = 2;
	nic_.traits.max_chain = 2;
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(300, 0x22);
	const uint64_t offsets[] = {0, 8192, 16384, 32768, 65536};
	for (uint64_t offset : offsets)
		EXPECT_FALSE(write(kWrite, data, offset));
	nic_.take_posted();
	nic_.hold();
	start(kFencedCommit, std::vector<uint8_t>(8, 0x44), 4096);
	EXPECT_EQ(nic_.take_posted().size(), 2u);
	nic_.release();
	EXPECT_FALSE(wait().failure);
	auto posted = nic_.take_posted();
	ASSERT_EQ(posted.size(), 5u);
	EXPECT_EQ(posted[3].name, "atomic_write");
	for (uint64_t offset : offsets)
		EXPECT_EQ(durable(offset, data.size()), data);
}

TEST_F(DrainsOfAnyNic, WriteBehindHalfADrainIsInTheNext)
{
	nic_.capacity = 2;
	nic_.traits.max_chain = 2;
	open_region(add_medium(kDmp));
	for (uint64_t offset : {0, 8192, 16384})
		EXPECT_FALSE(
			write(kWrite, std::vector<uint8_t>(300, 1), offset));
	nic_.hold();
	/* Begins the drain, of which two FLUSHes have room. */
	Call inject = kFencedCommit;
	inject.inject = true;
	EXPECT_EQ(try_submit(inject, keep({2}), 1, 4096, key_), -FI_EAGAIN);
	nic_.release();
	std::vector<uint8_t> data(300, 3);
	EXPECT_FALSE(write(kWrite, data, 0));
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	EXPECT_EQ(durable(0, data.size()), data);
}

/* The FLUSH would miss what the CPU takes into its cache before it. */
TEST_F(Drains, RequestsWaitForAFlushOfTheirLine)
{
	commit(Bytes(64, 9), 16384); /* connects */
	Call inject = kWrite;
	inject.inject = true;
	auto posts = [&](uint64_t offset) {
		ssize_t ret =
			try_submit(inject, keep(Bytes(8, 1)), 8, offset, key_);
		return ret != -FI_EAGAIN;
	};
	nic_.hold();
	start(kCommit, Bytes(300, 2), 4096);
	EXPECT_FALSE(posts(4096));
	EXPECT_FALSE(posts(4096 + 300));
	EXPECT_FALSE(posts(4096 - 8));
	EXPECT_TRUE(posts(8192));
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
	EXPECT_TRUE(posts(4096));
	EXPECT_FALSE(wait().failure);
	/* A drain's ranges are not known any more. */
	EXPECT_FALSE(write(kWrite, Bytes(300, 3), 4096));
	nic_.hold();
	start(kFencedCommit, {}, 0);
	EXPECT_FALSE(posts(8192));
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(4096, 300), Bytes(300, 3));
}

/* A drain has forgotten what it is about to make durable. */
TEST_F(Drains, FlushOfARegionWaitsForADrain)
{
	inject_more(Bytes(8, 1), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(write(kWrite, Bytes(300, 2), 4096));
	nic_.take_posted();
	nic_.hold();
	start(kFencedCommit, {}, 0);
	EXPECT_EQ(names(nic_.take_posted()),
		  (Words{"flush_persistent", "Flush"}));
	Call region = kCommit;
	region.flush = FlushScope::regions;
	start(region, Bytes(8, 0), 4096);
	EXPECT_TRUE(nic_.take_posted().empty());
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
}

/* Its request would pass the FLUSH, and read what is not durable yet. */
TEST_F(Drains, VerificationWaitsForAFlushUnderWay)
{
	Bytes data(300, 2);
	nic_.hold();
	start(kCommit, data, 4096);
	EXPECT_EQ(names(nic_.take_posted()),
		  (Words{"write", "flush_persistent"}));
	uint8_t digest[4] = {};
	VerifyOp verify{DigestAlgorithm::crc32c, 0, digest};
	EXPECT_EQ(until_taken([&] {
			  return try_verify(verify, 4096, data.size(), key_);
		  }),
		  0);
	EXPECT_TRUE(nic_.take_posted().empty());
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
	auto engine = open_digest(DigestAlgorithm::crc32c);
	engine->update(data.data(), data.size());
	EXPECT_EQ(std::memcmp(digest, engine->finish().bytes.data(), 4), 0);
}

} // namespace

} // namespace ofi_pmem::test
