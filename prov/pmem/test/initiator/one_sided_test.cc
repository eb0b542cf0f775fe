/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check what a channel posts for a write or a commit by each
 * durability method, and what becomes of it when the send queue is full or an
 * operation fails. method_test.cc tests which method is chosen.
 */
#include "fixture/nic_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr Call kVisible{true, Level::delivery, false, false};

constexpr auto kLine = Granularity::cache_line;
constexpr auto kPage = Granularity::page;

/* Where a region lies, and what a commit of 8 and of 65536 bytes posts. */
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
		set_param("FI_OFI_PMEM_DDIO", GetParam().ddio);
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

class NativePosting : public NativeNicFixture
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

TEST_F(NativePosting, CommitFlushesItsRangeInTheSameDoorbell)
{
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
	/* When it is registered again, it is served, and one-sided again. */
	close_region();
	open_region(medium);
	commit(later, 0);
	EXPECT_EQ(names(nic_.take_posted()), kNative);
	EXPECT_EQ(durable(0, later.size()), later);
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

TEST_F(NativePosting, BuffersBecomeOneWriteEachOnASoftwareNic)
{
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

TEST_F(NativePosting, RegionsOfTwoMethodsAreEachFlushedTheirWay)
{
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

TEST_F(NativePosting, FailedFlushFailsTheCommitAndWhatStoodBeforeIt)
{
	std::vector<uint8_t> data(300, 0x77);
	EXPECT_FALSE(write(kWrite, data, 0));
	nic_.fail_next(OneSided::Kind::flush_persistent);
	EXPECT_TRUE(write(kCommit, data, 8192));
	/* The write before was lost with the connection. */
	EXPECT_TRUE(write(kFencedCommit, std::vector<uint8_t>(8, 1), 4096));
	EXPECT_EQ(durable(4096, 8), std::vector<uint8_t>(8));
	EXPECT_FALSE(write(kFencedCommit, std::vector<uint8_t>(8, 1), 4096));
}

/* The service ends the lost connection by this name. */
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

TEST_F(OneSidedPosting, ForcedUnsafeMethodIsRefusedBeforeAnythingIsPosted)
{
	set_param("FI_OFI_PMEM_METHOD", "read");
	open_key(add_medium(kDmp));
	std::vector<uint8_t> data(64, 1);
	EXPECT_EQ(submit(kCommit, data.data(), data.size(), 0, key_),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(names(nic_.take_posted()), (Words{"Hello", "Resolve"}));
}

} // namespace ofi_pmem::test
