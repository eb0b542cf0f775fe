/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "fixture/plane_fixture.hh"

#include <poll.h>

#include <numeric>

namespace ofi_pmem::test
{

namespace
{

std::vector<uint8_t> pattern(size_t len, uint8_t start)
{
	std::vector<uint8_t> bytes(len);
	std::iota(bytes.begin(), bytes.end(), start);
	return bytes;
}

using Plane = PlaneFixture;

constexpr Call kDelivery{true, Level::delivery, false, false};

} // namespace

class PlaneSizes : public PlaneFixture,
		   public ::testing::WithParamInterface<size_t>
{
};

TEST_P(PlaneSizes, CommitIsDurableWhenItCompletes)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	auto data = pattern(GetParam(), 7);
	ASSERT_EQ(submit(kCommit, data.data(), data.size(), 100, key), 0);
	OpResult result = wait();
	EXPECT_EQ(result.failure.err, 0);
	EXPECT_EQ(result.context, data.data());
	EXPECT_EQ(result.len, data.size());
	EXPECT_EQ(std::memcmp(&medium.durable[100], data.data(), data.size()),
		  0);
}

TEST_P(PlaneSizes, CommitOfARegionThatOnlyTheServiceTouches)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	medium.one_sided = false;
	uint64_t key = add_region(&medium);
	auto data = pattern(GetParam(), 9);
	ASSERT_EQ(submit(kCommit, data.data(), data.size(), 3, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(std::memcmp(&medium.durable[3], data.data(), data.size()), 0);
	EXPECT_EQ(medium.count("drain"), 1u);
}

TEST_P(PlaneSizes, PlainWriteIsDurableAfterADrainAndNotBefore)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	auto data = pattern(GetParam(), 1);
	ASSERT_EQ(submit(kDelivery, data.data(), data.size(), 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(std::memcmp(medium.visible.data(), data.data(), data.size()),
		  0);
	EXPECT_EQ(medium.count("flush") + medium.count("drain"), 0u);

	ASSERT_EQ(submit(kFencedCommit, nullptr, 0, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(std::memcmp(medium.durable.data(), data.data(), data.size()),
		  0);
}

TEST_P(PlaneSizes, ReadReturnsWhatWasWritten)
{
	for (bool one_sided : {true, false}) {
		FakeMedium &medium = media_.emplace_back(kRegionLen);
		medium.one_sided = one_sided;
		uint64_t key = add_region(&medium);
		auto data = pattern(GetParam(), 5);
		std::vector<uint8_t> back(data.size());
		ASSERT_EQ(submit(kWrite, data.data(), data.size(), 77, key), 0);
		ASSERT_EQ(submit(kRead, back.data(), back.size(), 77, key), 0);
		EXPECT_EQ(wait().failure.err, 0);
		EXPECT_EQ(wait().failure.err, 0);
		EXPECT_EQ(back, data);
	}
}

INSTANTIATE_TEST_SUITE_P(AcrossTheInlineLimit, PlaneSizes,
			 ::testing::Values(1, 8, 4095, 4096, 4097, 65536, 65537,
					   500000));

TEST_F(Plane, FencedWriteIsStoredAfterTheDrainOfWhatCameBefore)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	auto record = pattern(100000, 1);
	uint64_t pointer = 42;
	ASSERT_EQ(submit(kWrite, record.data(), record.size(), 4096, key), 0);
	ASSERT_EQ(submit(kFencedCommit, &pointer, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(wait().failure.err, 0);
	/* The beginning of the record may come with its header. */
	if (medium.calls.front() == "store")
		medium.calls.erase(medium.calls.begin());
	std::vector<std::string> expected{"flush", "drain", "store", "flush",
					  "drain"};
	EXPECT_EQ(medium.calls, expected);
}

TEST_F(Plane, UnknownKeyIsAnErrorAtTheCall)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	uint64_t byte = 1;
	EXPECT_EQ(submit(kCommit, &byte, 8, 0, key ^ 1), -FI_ENOKEY);
	EXPECT_EQ(submit(kCommit, &byte, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(Plane, RangeOutsideTheRegionIsAnErrorAtTheCall)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	auto data = pattern(16, 0);
	EXPECT_EQ(submit(kCommit, data.data(), 16, kRegionLen - 15, key),
		  -FI_EINVAL);
	EXPECT_EQ(submit(kCommit, data.data(), 16, UINT64_MAX - kBase, key),
		  -FI_EINVAL);
	EXPECT_EQ(submit(kCommit, data.data(), 16, 0 - kBase, key), -FI_EINVAL);
	EXPECT_EQ(medium.calls.size(), 0u);
}

TEST_F(Plane, AccessThatWasNotRegisteredIsRefused)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium, wire::kRemoteRead);
	uint64_t value = 0;
	EXPECT_EQ(submit(kCommit, &value, 8, 0, key), -FI_EACCES);
	EXPECT_EQ(submit(kRead, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(Plane, RegionClosedAfterItsKeyWasResolvedFailsTheWrite)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	uint64_t value = 1;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	table_.remove(Key(key).token());
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	OpResult result = wait();
	EXPECT_EQ(result.failure.err, FI_ENOKEY);
	EXPECT_EQ(result.failure.cause, Cause::unknown_key);
	EXPECT_EQ(submit(kCommit, &value, 8, 0, key), -FI_ENOKEY);
}

TEST_F(Plane, FailedDrainPoisonsTheRegionForEveryLaterWrite)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	FakeMedium &other = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	uint64_t other_key = add_region(&other);
	uint64_t value = 1;
	medium.drain_result = -FI_EIO;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	OpResult result = wait();
	EXPECT_EQ(result.failure.err, FI_EIO);
	EXPECT_EQ(result.failure.cause, Cause::flush_failed);
	/* The medium is well again, but what is durable stays unknown. */
	medium.drain_result = 0;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::region_poisoned);
	ASSERT_EQ(submit(kCommit, &value, 8, 0, other_key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(Plane, FlushOfAPoisonedRegionFailsThoughNothingIsLeftToFlush)
{
	constexpr Call kFlushRegion{true, Level::commit, false, false,
				    FlushScope::regions};
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	uint64_t value = 1;
	ASSERT_EQ(submit(kFlushRegion, nullptr, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	medium.drain_result = -FI_EIO;
	ASSERT_EQ(submit(kWrite, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	ASSERT_EQ(submit(kFlushRegion, nullptr, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::flush_failed);
	medium.drain_result = 0;
	ASSERT_EQ(submit(kFlushRegion, nullptr, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::region_poisoned);
}

TEST_F(Plane, APoisonedRegionIsToldOnceAndRingsTheBell)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	FakeMedium &other = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	uint64_t other_key = add_region(&other);
	int fd = -1;
	ASSERT_EQ(table_.events().open(&fd), 0);
	pollfd bell{fd, POLLIN, 0};
	table_.events().silence();
	EXPECT_EQ(poll(&bell, 1, 0), 0);
	uint64_t value = 1;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, other_key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_EQ(poll(&bell, 1, 0), 0);
	medium.drain_result = -FI_EIO;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, FI_EIO);
	EXPECT_EQ(poll(&bell, 1, 0), 1);
	uint64_t token = 0;
	Failure poison;
	ASSERT_TRUE(table_.take_poisoned(&token, &poison));
	EXPECT_EQ(token, Key(key).token());
	EXPECT_EQ(poison.err, FI_EIO);
	EXPECT_FALSE(table_.take_poisoned(&token, &poison));
	int same = -1;
	EXPECT_EQ(table_.events().open(&same), 0);
	EXPECT_EQ(same, fd);
}

/* A fenced commit would fail, too. */
TEST_F(Plane, DrainOfAllPeersFailsWhenAnEarlierCommitFailed)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	uint64_t value = 1;
	medium.drain_result = -FI_EIO;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::flush_failed);
	ASSERT_EQ(channels_->drain_all(nullptr, true, false), 0);
	EXPECT_TRUE(wait().failure);
}

TEST_F(Plane, FencedCommitFailsAndIsNotStoredWhenAnEarlierWriteFailed)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	FakeMedium &full = media_.emplace_back(kRegionLen);
	full.one_sided = false;
	uint64_t key = add_region(&medium);
	uint64_t full_key = add_region(&full);
	uint64_t value = 0x1234;
	full.store_result = -FI_ENOSPC;
	ASSERT_EQ(submit(kWrite, &value, 8, 0, full_key), 0);
	ASSERT_EQ(submit(kFencedCommit, &value, 8, 64, key), 0);
	EXPECT_EQ(wait().failure.cause, Cause::store_failed);
	OpResult fenced = wait();
	EXPECT_EQ(fenced.failure.err, FI_ENOSPC);
	EXPECT_EQ(fenced.failure.cause, Cause::earlier_write_failed);
	EXPECT_EQ(medium.visible[64], 0);
	/* It was reported; the next one stands for itself. */
	full.store_result = 0;
	ASSERT_EQ(submit(kFencedCommit, &value, 8, 64, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(Plane, DrainAfterTheWritesWereLostWithTheirConnectionFails)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	auto data = pattern(100, 3);
	ASSERT_EQ(submit(kDelivery, data.data(), 100, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
	restart_service();
	/* Either the loss is known at the call, or the drain is lost itself. */
	ssize_t ret = submit(kFencedCommit, nullptr, 0, 0, key);
	if (!ret) {
		EXPECT_EQ(wait().failure.cause, Cause::connection_lost);
		ret = submit(kFencedCommit, nullptr, 0, 0, key);
	}
	EXPECT_EQ(ret, -FI_ECONNABORTED);
	ASSERT_EQ(submit(kFencedCommit, nullptr, 0, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(Plane, LostConnectionNeverCompletesACommitThatIsNotDurable)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	std::vector<uint64_t> values(64);
	std::iota(values.begin(), values.end(), 1);
	ASSERT_EQ(submit(kCommit, &values[0], 8, 0, key), 0);
	for (size_t i = 1; i < values.size(); i++)
		ASSERT_EQ(try_submit(kCommit, &values[i], 8, i * 8, key), 0);
	service_.reset();
	for (size_t i = 0; i < values.size(); i++) {
		OpResult result = wait();
		auto index =
			static_cast<uint64_t *>(result.context) - values.data();
		if (result.failure) {
			EXPECT_EQ(result.failure.cause, Cause::connection_lost);
			continue;
		}
		EXPECT_EQ(std::memcmp(&medium.durable[index * 8],
				      &values[index], 8),
			  0);
	}
	/* All may have been acknowledged before the end came; this one not. */
	ssize_t ret = submit(kCommit, &values[0], 8, 0, key);
	if (!ret)
		ret = -wait().failure.err;
	EXPECT_LT(ret, 0);
}

namespace
{

class PlaneAutomatic : public PlaneFixture
{
	bool automatic() const override { return true; }
};

} // namespace

TEST_F(PlaneAutomatic, CompletesWithoutTheApplicationPolling)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	medium.one_sided = false;
	uint64_t key = add_region(&medium);
	auto data = pattern(kRegionLen, 7);
	auto deadline = Clock::now() + kPatience;
	ssize_t ret;
	do
		ret = try_submit(kCommit, data.data(), data.size(), 0, key);
	while (ret == -FI_EAGAIN && Clock::now() < deadline);
	ASSERT_EQ(ret, 0);
	bool done = false;
	while (!done && Clock::now() < deadline) {
		std::lock_guard guard(initiator_->lock());
		done = !owner_.results.empty();
	}
	ASSERT_TRUE(done);
	EXPECT_EQ(owner_.results.front().failure.err, 0);
	EXPECT_EQ(medium.durable, data);
}

TEST_F(Plane, StormOfSmallCommitsAllComplete)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	std::vector<uint64_t> values(2000);
	std::iota(values.begin(), values.end(), 1);
	for (size_t i = 0; i < values.size(); i++)
		ASSERT_EQ(submit(kCommit, &values[i], 8, i * 8, key), 0);
	for (size_t i = 0; i < values.size(); i++)
		ASSERT_EQ(wait().failure.err, 0);
	EXPECT_EQ(std::memcmp(medium.durable.data(), values.data(),
			      values.size() * 8),
		  0);
	EXPECT_LT(medium.count("drain"), values.size());
}

} // namespace ofi_pmem::test
