/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check which requests leave in one message.
 */
#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

class Batches : public NativeNicFixture
{
};

/*
 * The requests of one operation travel together, too; here they are a drain and
 * what is behind it.
 */
TEST_F(Batches, RequestsOfWhichMoreComeTravelTogether)
{
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
TEST_F(Batches, WhatIsHeldBackLeavesWithTheNextProgress)
{
	commit(Bytes(64, 9), 0);
	inject_more(Bytes(64, 1), 0);
	nic_.take_posted();
	initiator_->progress();
	EXPECT_EQ(names(nic_.take_posted()), Words{"Write"});
	EXPECT_FALSE(wait().failure);
}

/* A buffer holds as many as fit. */
TEST_F(Batches, LongRequestsTravelOnTheirOwn)
{
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

} // namespace

} // namespace ofi_pmem::test
