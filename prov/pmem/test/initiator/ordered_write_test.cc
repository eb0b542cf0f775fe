/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a fenced commit posts, and that nothing passes it.
 */
#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

class OrderedWrites : public NativeNicFixture
{
};

class OrderedWritesOfAnyNic : public NicFixture
{
};

TEST_F(OrderedWrites, OrderedWriteIsOneDoorbell)
{
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
TEST_F(OrderedWrites, OtherOrderedWritesWaitForTheDrain)
{
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

/* Only the service can drain what a request wrote before. */
TEST_F(OrderedWrites, OrderedWriteBehindARequestIsARequest)
{
	Call inject = kWrite;
	inject.inject = true;
	EXPECT_FALSE(write(inject, std::vector<uint8_t>(64, 1), 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, std::vector<uint8_t>(8, 2), 4096));
	EXPECT_EQ(names(nic_.take_posted()), (Words{"Flush", "Write"}));
	EXPECT_EQ(durable(0, 64), std::vector<uint8_t>(64, 1));
}

/* A fenced commit that was answered has drained that as well. */
TEST_F(OrderedWrites, OrderedWriteBehindAnAnsweredDrainIsTheNics)
{
	inject_more(Bytes(64, 1), 0);
	EXPECT_FALSE(wait().failure);
	EXPECT_FALSE(write(kFencedCommit, Bytes(256, 2), 4096));
	EXPECT_FALSE(write(kWrite, Bytes(300, 3), 0));
	nic_.take_posted();
	EXPECT_FALSE(write(kFencedCommit, Bytes(8, 4), 4096));
	EXPECT_EQ(names(nic_.take_posted()),
		  (Words{"flush_persistent", "atomic_write",
			 "flush_persistent"}));
	/* If requests come before it, the NIC does not order it. */
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

TEST_F(OrderedWrites, NothingPassesAnOrderedWrite)
{
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

/* It is two requests, of which the second commits. */
TEST_F(OrderedWritesOfAnyNic, NothingIsStoredBeforeALongFencedCommitIsDurable)
{
	FakeMedium *medium = add_medium(kDmp);
	medium->granularity = Granularity::page;
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

TEST_F(OrderedWrites, FailedOrderedWriteReportsAnError)
{
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

} // namespace

} // namespace ofi_pmem::test
