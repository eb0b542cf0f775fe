/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The path of a small commit allocates nothing at the initiator, and a call
 * that cannot allocate leaves nothing behind.
 */
#include "fixture/counted_new.hh"
#include "fixture/plane_fixture.hh"

namespace ofi_pmem::test
{

namespace
{

/* Only counts its completions. */
class CountingOwner final : public OpOwner
{
public:
	int peer_address(fi_addr_t, IpAddress *address) noexcept override
	{
		*address = ip_address("127.0.0.1");
		return 0;
	}
	int reserve_completion() noexcept override { return 0; }
	void unreserve_completion() noexcept override {}
	void completed(const OpResult &result) noexcept override
	{
		done++;
		failed += bool(result.failure);
	}
	void gate_may_open() noexcept override {}
	void notification_ready() noexcept override {}
	int commit_local(const iovec *, size_t) noexcept override { return 0; }

	size_t done = 0;
	size_t failed = 0;
};

class Allocation : public PlaneFixture
{
protected:
	void SetUp() override
	{
		PlaneFixture::SetUp();
		if (!counted_new_works())
			GTEST_SKIP() << "a checker has operator new for itself";
	}

	/* A write of one word, as an application describes it. */
	struct WordWrite {
		explicit WordWrite(uint64_t key) : rma{kBase, sizeof(word), key}
		{
			msg.msg_iov = &iov;
			msg.iov_count = 1;
			msg.rma_iov = &rma;
			msg.rma_iov_count = 1;
		}
		WordWrite(const WordWrite &) = delete;
		WordWrite &operator=(const WordWrite &) = delete;

		uint64_t word = 1;
		iovec iov{&word, sizeof(word)};
		fi_rma_iov rma;
		fi_msg_rma msg{};
	};

	/* Its service flushes all that is written. Returns the key. */
	uint64_t add_page_region()
	{
		FakeMedium &medium = media_.emplace_back(kRegionLen);
		medium.granularity = Granularity::page;
		return add_region(&medium);
	}

	/* Keeps `depth` operations in flight. */
	void commit_often(ChannelTable *table, CountingOwner *owner,
			  const OpRequest &request, size_t count, size_t depth)
	{
		size_t before = owner->done;
		size_t posted = 0;
		auto deadline = Clock::now() + kPatience;
		while (owner->done - before < count &&
		       Clock::now() < deadline) {
			while (posted < count &&
			       posted - (owner->done - before) < depth &&
			       !table->submit(request, 0))
				posted++;
			initiator_->progress();
		}
		EXPECT_EQ(owner->done - before, count);
		EXPECT_EQ(owner->failed, 0u);
	}
};

TEST_F(Allocation, SmallCommitsNeedNone)
{
	WordWrite write(add_page_region());
	CountingOwner owner;
	ChannelTable table(initiator_.get(), &owner);
	table.open(64);
	OpRequest request =
		OpRequest::write(write.msg).at(Level::commit).report();
	for (size_t depth : {1, 16}) {
		commit_often(&table, &owner, request, 100, depth);
		size_t before = allocations;
		commit_often(&table, &owner, request, 1000, depth);
		EXPECT_EQ(allocations, before) << "depth " << depth;
	}
}

class WatchedAllocation : public Allocation
{
protected:
	/* Channels are looked after four times in this time. */
	static constexpr std::chrono::milliseconds kTimeout{1000};

	void SetUp() override
	{
		set_param("FI_OFI_PMEM_OPERATION_TIMEOUT_MS",
			  std::to_string(kTimeout.count()));
		Allocation::SetUp();
	}
};

TEST_F(WatchedAllocation, LookingAfterChannelsNeedsNone)
{
	WordWrite write(add_page_region());
	CountingOwner owner;
	ChannelTable table(initiator_.get(), &owner);
	table.open(64);
	OpRequest request =
		OpRequest::write(write.msg).at(Level::commit).report();
	commit_often(&table, &owner, request, 100, 1);
	size_t before = allocations;
	auto end = Clock::now() + kTimeout;
	while (Clock::now() < end)
		commit_often(&table, &owner, request, 1, 1);
	EXPECT_EQ(allocations, before);
}

/* The table of what was written and not drained has room for fewer. */
TEST_F(Allocation, EarlyFlushesNeedNone)
{
	WordWrite write(add_page_region());
	CountingOwner owner;
	ChannelTable table(initiator_.get(), &owner);
	table.open(64);
	OpRequest request = OpRequest::write(write.msg).report();
	auto write_everywhere = [&] {
		for (uint64_t at = 0; at < kRegionLen; at += 1024) {
			write.rma.addr = kBase + at;
			commit_often(&table, &owner, request, 1, 1);
		}
	};
	write_everywhere();
	size_t before = allocations;
	write_everywhere();
	EXPECT_EQ(allocations, before);
	EXPECT_GT(media_.back().count("flush"), DirtyRanges::kCapacity);
}

/* The regions live no longer than their connection, the operation does. */
TEST_F(Allocation, CallWithoutMemoryHoldsNoRegion)
{
	FakeMedium *medium = &media_.emplace_back(kRegionLen);
	uint64_t key = add_region(medium);
	uint64_t word = 1;
	ASSERT_EQ(submit(kCommit, &word, sizeof(word), 0, key), 0);
	EXPECT_FALSE(wait().failure);
	bool thrown = false;
	allocations_left = 0;
	try {
		static_cast<void>(try_submit(checked(kCommit), &word,
					     sizeof(word), 0, key));
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	allocations_left = -1;
	EXPECT_TRUE(thrown);
	RemoteRegion region;
	ASSERT_EQ(channels_->query(0, Key(key), &region), 0);
	EXPECT_EQ(region.users, 0u);
	ASSERT_EQ(submit(checked(kCommit), &word, sizeof(word), 0, key), 0);
	EXPECT_FALSE(wait().failure);
}

/* Such an operation was accepted, or not, but never both. */
TEST_F(Allocation, OperationThatCannotBePostedFails)
{
	FakeMedium *medium = &media_.emplace_back(kRegionLen);
	uint64_t key = add_region(medium);
	uint64_t word = 1;
	ASSERT_EQ(submit(kCommit, &word, sizeof(word), 0, key), 0);
	EXPECT_FALSE(wait().failure);
	/* What is expected of a checked write is kept until it is compared. */
	Call write = checked(kWrite);
	std::vector<ssize_t> taken;
	for (int spared = 0; spared < 20; spared++) {
		allocations_left = spared;
		ssize_t ret = -FI_ENOMEM;
		try {
			ret = try_submit(write, &word, sizeof(word), 64, key);
		} catch (const std::bad_alloc &) {
		}
		allocations_left = -1;
		taken.push_back(ret);
		if (!ret)
			static_cast<void>(wait());
	}
	EXPECT_EQ(taken.front(), -FI_ENOMEM);
	EXPECT_EQ(taken.back(), 0);
	EXPECT_TRUE(owner_.results.empty());
}

} // namespace

} // namespace ofi_pmem::test
