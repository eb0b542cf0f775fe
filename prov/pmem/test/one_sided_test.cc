/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a channel posts for each durability method: the operations of a commit,
 * a drain and an ordered write, what becomes of them when the send queue is
 * full or an operation fails. method_test.cc tests which method is chosen.
 */
#include <sys/mman.h>

#include "nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr Call kVisible{true, Level::delivery, false, false};

constexpr auto kLine = Granularity::cache_line;
constexpr auto kPage = Granularity::page;

/* Where a region is, and what a commit of 8 and of 65536 bytes posts. */
struct Machine {
	const char *name;
	NicKind nic;
	bool flushable;
	PersistenceDomain domain;
	const char *ddio;
	Granularity granularity;
	Words small;
	Words large;
};

/* Else GoogleTest reads the padding, which has no value. */
std::ostream &operator<<(std::ostream &out, const Machine &machine)
{
	return out << machine.name;
}

const Words kRequest{"Write"};
const Words kWriteAndRequest{"write", "Flush"};
const Words kNative{"write", "flush_persistent"};
const Words kRead{"write", "read"};
const Words kAck{"write"};
constexpr auto kRc = NicKind::hardware;
constexpr auto kRxe = NicKind::software;

/* The rows of METHODS in fi_pmem(7), by domain and DDIO, on raw verbs. */
const Machine kMachines[] = {
	{"rc_dmp_ddio", kRc, true, kDmp, "on", kLine, kRequest,
	 kWriteAndRequest},
	{"rc_dmp", kRc, true, kDmp, "off", kLine, kNative, kNative},
	{"rc_dmp_page", kRc, true, kDmp, "off", kPage, kRequest,
	 kWriteAndRequest},
	{"rc_mhp", kRc, true, kMhp, "on", kLine, kNative, kNative},
	{"rc_wsp", kRc, true, kWsp, "on", kLine, kAck, kAck},
	{"rc_wsp_page", kRc, true, kWsp, "on", kPage, kRequest,
	 kWriteAndRequest},
	{"old_rc_dmp_ddio", kRc, false, kDmp, "on", kLine, kRequest,
	 kWriteAndRequest},
	{"old_rc_dmp", kRc, false, kDmp, "off", kLine, kRead, kRead},
	{"old_rc_mhp", kRc, false, kMhp, "on", kLine, kRead, kRead},
	{"old_rc_wsp", kRc, false, kWsp, "on", kLine, kAck, kAck},
	{"rxe_dmp", kRxe, true, kDmp, "on", kLine, kNative, kNative},
	{"rxe_dmp_page", kRxe, true, kDmp, "on", kPage, kRequest,
	 kWriteAndRequest},
	{"rxe_mhp", kRxe, true, kMhp, "on", kLine, kNative, kNative},
	{"rxe_wsp", kRxe, true, kWsp, "on", kLine, kAck, kAck},
	{"old_rxe_dmp", kRxe, false, kDmp, "off", kLine, kRequest,
	 kWriteAndRequest},
	{"old_rxe_mhp", kRxe, false, kMhp, "on", kLine, kRead, kRead},
};

class PostedOnMachine : public NicFixture,
			public ::testing::WithParamInterface<Machine>
{
protected:
	void prepare() override
	{
		nic_.kind = GetParam().nic;
		nic_.flushable = GetParam().flushable;
		setenv("FI_OFI_PMEM_DDIO", GetParam().ddio, 1);
	}

	Words posted_by_commit_of(size_t len)
	{
		std::vector<uint8_t> data(len, 0x5a);
		commit(data, 4096);
		return names(nic_.take_posted());
	}
};

class OneSidedPosting : public NicFixture
{
};

} // namespace

TEST_P(PostedOnMachine, CommitPostsWhatTheMethodNeeds)
{
	FakeMedium *medium = add_medium(GetParam().domain);
	medium->granularity = GetParam().granularity;
	open_region(medium);
	EXPECT_EQ(posted_by_commit_of(8), GetParam().small);
	EXPECT_EQ(posted_by_commit_of(65536), GetParam().large);
}

INSTANTIATE_TEST_SUITE_P(Machines, PostedOnMachine,
			 ::testing::ValuesIn(kMachines), [](const auto &test) {
				 return std::string(test.param.name);
			 });

TEST_F(OneSidedPosting, CommitFlushesItsRangeInTheSameDoorbell)
{
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(1000, 0x11);
	commit(data, 4096);
	auto posted = nic_.take_posted();
	ASSERT_EQ(names(posted), kNative);
	EXPECT_EQ(posted[0].chain, posted[1].chain);
	for (const Posted &one : posted) {
		EXPECT_EQ(one.addr, address(4096));
		EXPECT_EQ(one.len, data.size());
	}
	EXPECT_EQ(durable(4096, data.size()), data);
}

TEST_F(OneSidedPosting, VisibleWriteIsNotFlushedToTheMedium)
{
	FakeMedium *medium = add_medium(kDmp);
	open_region(medium);
	std::vector<uint8_t> data(1000, 0x11);
	EXPECT_FALSE(write(kVisible, data, 0));
	EXPECT_EQ(names(nic_.take_posted()), (Words{"write", "flush_visible"}));
	EXPECT_NE(durable(0, data.size()), data);
	/* A drain makes it durable. */
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	EXPECT_EQ(names(nic_.take_posted()), Words{"flush_persistent"});
	EXPECT_EQ(durable(0, data.size()), data);
}

TEST_F(OneSidedPosting, AcknowledgedWriteIsSeenAfterARequest)
{
	open_region(add_medium(kWsp));
	std::vector<uint8_t> data(1000, 0x11);
	EXPECT_FALSE(write(kVisible, data, 0));
	EXPECT_EQ(names(nic_.take_posted()), kWriteAndRequest);
}

TEST_F(OneSidedPosting, DrainFlushesEachRangeOnce)
{
	open_region(add_medium(kDmp));
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

TEST_F(OneSidedPosting, DrainByReadIsOneRead)
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

TEST_F(OneSidedPosting, DrainOfAcknowledgedWritesAsksTheService)
{
	open_region(add_medium(kWsp));
	EXPECT_FALSE(write(kWrite, std::vector<uint8_t>(300, 1), 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, {}, 0));
	EXPECT_EQ(names(nic_.take_posted()), Words{"Flush"});
}

/* Soft-RoCE acknowledges a FLUSH of 4 GiB and flushes nothing. */
TEST_F(OneSidedPosting, FlushesOfMoreThan4GiBAreShorterAndNeverEmpty)
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

/* The service is not asked by such a commit, so it must not be possible. */
TEST_F(OneSidedPosting, PoisonedRegionTakesNoCommit)
{
	FakeMedium *medium = add_medium(kDmp);
	open_region(medium);
	Bytes data(1000, 0x11);
	commit(data, 0);
	ASSERT_EQ(names(nic_.take_posted()), kNative);
	medium->flush_result = -FI_EIO;
	iovec local{memory_, 8};
	EXPECT_EQ(table_.commit_local(&local, 1), -FI_EIO);
	medium->flush_result = 0;
	constexpr Call kCommitCall{true, Level::commit, false, false};
	Bytes later(1000, 0x22);
	EXPECT_TRUE(write(kCommitCall, later, 0));
	EXPECT_EQ(write(kCommitCall, later, 0).cause, Cause::region_poisoned);
	EXPECT_EQ(durable(0, data.size()), data);
	/* Registered anew it is served, and one-sided again. */
	close_region();
	open_region(medium);
	commit(later, 0);
	EXPECT_EQ(names(nic_.take_posted()), kNative);
	EXPECT_EQ(durable(0, later.size()), later);
}

TEST_F(OneSidedPosting, OrderedWriteIsOneDoorbell)
{
	open_region(add_medium(kDmp));
	std::vector<uint8_t> record(300, 0x33);
	std::vector<uint8_t> pointer(8, 0x44);
	EXPECT_FALSE(write(kWrite, record, 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, pointer, 4096));
	auto posted = nic_.take_posted();
	ASSERT_EQ(names(posted), (Words{"flush_persistent", "atomic_write",
					"flush_persistent"}));
	EXPECT_EQ(posted[0].chain, posted[2].chain);
	EXPECT_EQ(posted[0].addr, address(0));
	EXPECT_EQ(posted[1].addr, address(4096));
	EXPECT_EQ(posted[2].addr, address(4096));
	EXPECT_EQ(durable(0, 300), record);
	EXPECT_EQ(durable(4096, 8), pointer);
}

/* ATOMIC WRITE wants 8 aligned bytes; other sizes wait, then go as requests. */
TEST_F(OneSidedPosting, OtherOrderedWritesWaitForTheDrain)
{
	open_region(add_medium(kDmp));
	struct Other {
		uint64_t offset;
		size_t len;
	};
	for (const Other &other : {Other{4100, 8}, Other{4096, 16}}) {
		EXPECT_FALSE(write(kWrite, std::vector<uint8_t>(300, 1), 0));
		nic_.take_posted();
		nic_.hold();
		start(kFencedCommit, std::vector<uint8_t>(other.len, 2),
		      other.offset);
		EXPECT_EQ(names(nic_.take_posted()), Words{"flush_persistent"});
		nic_.release();
		EXPECT_FALSE(wait().failure);
		EXPECT_EQ(names(nic_.take_posted()), Words{"Write"});
	}
}

/* What a request wrote before, only the service can drain. */
TEST_F(OneSidedPosting, OrderedWriteBehindARequestIsARequest)
{
	open_region(add_medium(kDmp));
	Call inject = kWrite;
	inject.inject = true;
	EXPECT_FALSE(write(inject, std::vector<uint8_t>(64, 1), 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, std::vector<uint8_t>(8, 2), 4096));
	EXPECT_EQ(names(nic_.take_posted()), (Words{"Flush", "Write"}));
	EXPECT_EQ(durable(0, 64), std::vector<uint8_t>(64, 1));
}

/* The FLUSH would miss what the CPU takes into its cache before it. */
TEST_F(OneSidedPosting, RequestsWaitForAFlushOfTheirLine)
{
	open_region(add_medium(kDmp));
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

/* Which has forgotten what it is about to make durable. */
TEST_F(OneSidedPosting, FlushOfARegionWaitsForADrain)
{
	open_region(add_medium(kDmp));
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
TEST_F(OneSidedPosting, VerificationWaitsForAFlushUnderWay)
{
	open_region(add_medium(kDmp));
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

/* A fenced commit that was answered has drained that as well. */
TEST_F(OneSidedPosting, OrderedWriteBehindAnAnsweredDrainIsTheNics)
{
	open_region(add_medium(kDmp));
	inject_more(Bytes(64, 1), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(write(kFencedCommit, Bytes(256, 2), 4096));
	EXPECT_FALSE(write(kWrite, Bytes(300, 3), 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, Bytes(8, 4), 4096));
	EXPECT_EQ(names(nic_.take_posted()),
		  (Words{"flush_persistent", "atomic_write",
			 "flush_persistent"}));
	/* Not with requests behind it. */
	inject_more(Bytes(64, 1), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(write(kFencedCommit, Bytes(8, 4), 4096));
	start(kFencedCommit, Bytes(256, 2), 4096);
	inject_more(Bytes(64, 1), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, Bytes(8, 4), 4096));
	EXPECT_EQ(names(nic_.take_posted()), (Words{"Flush", "Write"}));
}

/* Also those of one operation, here a drain and what is behind it. */
TEST_F(OneSidedPosting, RequestsOfWhichMoreComeTravelTogether)
{
	open_region(add_medium(kDmp));
	commit(Bytes(64, 9), 0); /* connects */
	nic_.take_posted();
	inject_more(Bytes(64, 1), 0);
	inject_more(Bytes(64, 2), 64);
	EXPECT_TRUE(nic_.take_posted().empty());
	start(kFencedCommit, Bytes(8, 3), 4096);
	auto posted = nic_.take_posted();
	EXPECT_EQ(posted.size(), 1U);
	EXPECT_EQ(names(posted), (Words{"Write", "Write", "Flush", "Write"}));
	for (int i = 0; i < 3; i++)
		EXPECT_FALSE(wait().failure);
	EXPECT_EQ(durable(64, 64), Bytes(64, 2));
	EXPECT_EQ(durable(4096, 8), Bytes(8, 3));
}

/* Whoever said that there would be more may have been wrong. */
TEST_F(OneSidedPosting, WhatIsHeldBackLeavesWithTheNextProgress)
{
	open_region(add_medium(kDmp));
	commit(Bytes(64, 9), 0);
	inject_more(Bytes(64, 1), 0);
	nic_.take_posted();
	initiator_->progress();
	EXPECT_EQ(names(nic_.take_posted()), Words{"Write"});
	EXPECT_FALSE(wait().failure);
}

/* As many as fit into a buffer. */
TEST_F(OneSidedPosting, LongRequestsTravelOnTheirOwn)
{
	open_region(add_medium(kDmp));
	commit(Bytes(64, 9), 0);
	nic_.take_posted();
	for (int i = 0; i < 3; i++)
		inject_more(Bytes(40000, 1), 0);
	EXPECT_EQ(nic_.take_posted().size(), 2U);
	start(kFencedCommit, Bytes(8, 3), 65536);
	auto posted = nic_.take_posted();
	EXPECT_EQ(posted.size(), 1U);
	EXPECT_EQ(names(posted), (Words{"Write", "Flush", "Write"}));
	for (int i = 0; i < 4; i++)
		EXPECT_FALSE(wait().failure);
}

TEST_F(OneSidedPosting, NothingPassesAnOrderedWrite)
{
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(300, 0x33);
	EXPECT_FALSE(write(kWrite, data, 0));
	nic_.take_posted();
	nic_.hold();
	start(kFencedCommit, std::vector<uint8_t>(8, 0x44), 4096);
	start(kWrite, data, 8192);
	EXPECT_EQ(nic_.take_posted().size(), 3u);
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(names(nic_.take_posted()), Words{"write"});
}

/* A drain that stops for want of room goes on from there, and is complete. */
TEST_F(OneSidedPosting, DrainGoesOnWhenTheSendQueueWasFull)
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

TEST_F(OneSidedPosting, WriteBehindHalfADrainIsInTheNext)
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

TEST_F(OneSidedPosting, LongChainIsPostedInParts)
{
	nic_.traits.max_chain = 1;
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(100000, 0x55);
	commit(data, 0);
	auto posted = nic_.take_posted();
	EXPECT_EQ(names(posted), kNative);
	EXPECT_NE(posted[0].chain, posted[1].chain);
	EXPECT_EQ(durable(0, data.size()), data);
}

TEST_F(OneSidedPosting, BuffersBecomeOneWriteEachOnASoftwareNic)
{
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(70000);
	for (size_t i = 0; i < data.size(); i++)
		data[i] = static_cast<uint8_t>(i * 7);
	iovec iov[] = {
		{data.data(), 1}, {&data[1], 65536}, {&data[65537], 4463}};
	fi_rma_iov rma[] = {{kBase, 60000, key_},
			    {kBase + 100000, 10000, key_}};
	EXPECT_EQ(submit_ranges(kCommit, iov, 3, rma, 2), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(names(nic_.take_posted()),
		  (Words{"write", "write", "write", "write", "flush_persistent",
			 "flush_persistent"}));
	auto first = durable(0, 60000);
	auto second = durable(100000, 10000);
	first.insert(first.end(), second.begin(), second.end());
	EXPECT_EQ(first, data);
}

TEST_F(OneSidedPosting, RegionsOfTwoMethodsAreEachFlushedTheirWay)
{
	open_region(add_medium(kDmp));
	uint64_t native_key = key_;
	FakeMedium *page = add_medium(kDmp);
	page->granularity = kPage;
	open_region(page);
	std::vector<uint8_t> data(10000, 0x66);
	iovec iov{data.data(), data.size()};
	fi_rma_iov rma[] = {{kBase, 5000, native_key}, {kBase, 5000, key_}};
	nic_.take_posted();
	EXPECT_EQ(submit_ranges(kCommit, &iov, 1, rma, 2), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(names(nic_.take_posted()),
		  (Words{"write", "write", "flush_persistent", "Flush"}));
	EXPECT_EQ(durable(0, 5000), std::vector<uint8_t>(5000, 0x66));
}

TEST_F(OneSidedPosting, FailedFlushFailsTheCommitAndWhatStoodBeforeIt)
{
	open_region(add_medium(kDmp));
	std::vector<uint8_t> data(300, 0x77);
	EXPECT_FALSE(write(kWrite, data, 0));
	nic_.fail_next(OneSided::Kind::flush_persistent);
	EXPECT_TRUE(write(kCommit, data, 8192));
	/* The write before was lost with the connection. */
	EXPECT_TRUE(write(kFencedCommit, std::vector<uint8_t>(8, 1), 4096));
	EXPECT_EQ(durable(4096, 8), std::vector<uint8_t>(8));
	EXPECT_FALSE(write(kFencedCommit, std::vector<uint8_t>(8, 1), 4096));
}

/* It is two requests, of which the second commits. */
TEST_F(OneSidedPosting, NothingIsStoredBeforeALongFencedCommitIsDurable)
{
	FakeMedium *medium = add_medium(kDmp);
	medium->granularity = kPage;
	open_region(medium);
	nic_.hold();
	Bytes record(wire::kMaxPayload + 1, 1);
	start(kFencedCommit, record, 0);
	start(kWrite, Bytes(8, 2), 131072);
	medium->calls.clear();
	nic_.release();
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(wait().failure);
	EXPECT_EQ(medium->calls, (Words{"store", "flush", "store", "flush",
					"drain", "store"}));
}

/* By which the service ends the connection that is lost. */
TEST_F(OneSidedPosting, ChannelKeepsItsNameWhenItConnectsAgain)
{
	open_key(add_medium(kDmp));
	std::vector<uint64_t> channels;
	for (int i = 0; i < 2; i++) {
		EXPECT_FALSE(write(kWrite, std::vector<uint8_t>(300, 1), 0));
		wire::Hello hello{};
		auto posted = nic_.take_posted();
		ASSERT_EQ(names(posted).front(), "Hello");
		ASSERT_TRUE(wire::parse(posted.front().bytes.data(),
					posted.front().bytes.size(), &hello));
		channels.push_back(hello.header.operation);
		nic_.fail_next(OneSided::Kind::write);
		EXPECT_TRUE(write(kWrite, std::vector<uint8_t>(300, 1), 0));
		nic_.take_posted();
	}
	EXPECT_NE(channels[0], 0u);
	EXPECT_EQ(channels[0], channels[1]);
}

TEST_F(OneSidedPosting, FailedOrderedWriteReportsAnError)
{
	open_region(add_medium(kDmp));
	for (auto kind :
	     {OneSided::Kind::flush_persistent, OneSided::Kind::atomic_write}) {
		EXPECT_FALSE(write(kWrite, std::vector<uint8_t>(300, 1), 0));
		nic_.fail_next(kind);
		EXPECT_TRUE(
			write(kFencedCommit, std::vector<uint8_t>(8, 1), 4096));
		EXPECT_EQ(durable(4096, 8), std::vector<uint8_t>(8));
		/* Says once that the write before may be lost. */
		static_cast<void>(write(kFencedCommit, {}, 0));
	}
}

TEST_F(OneSidedPosting, ForcedUnsafeMethodIsRefusedBeforeAnythingIsPosted)
{
	setenv("FI_OFI_PMEM_METHOD", "read", 1);
	ASSERT_EQ(load_params(), 0);
	open_key(add_medium(kDmp));
	std::vector<uint8_t> data(64, 1);
	EXPECT_EQ(submit(kCommit, data.data(), data.size(), 0, key_),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(names(nic_.take_posted()), (Words{"Hello", "Resolve"}));
}

} // namespace ofi_pmem::test
