/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Syncs that last: what they cover, who waits for them and who does not, and
 * what becomes of the rest when one fails.
 */
#include "fake/fake_device.hh"
#include "fixture/raw_peer.hh"
#include "fixture/raw_service.hh"

#include <thread>

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kLine = 64;

class GroupSync : public PlaneFixture
{
protected:
	void SetUp() override
	{
		PlaneFixture::SetUp();
		medium_ = &add_medium();
		key_ = add_region(medium_);
	}
	void TearDown() override
	{
		device_->open();
		PlaneFixture::TearDown();
	}

	/* A medium of the device, as another region of the same file is. */
	FakeMedium &add_medium()
	{
		FakeMedium &medium = media_.emplace_back(kRegionLen);
		medium.one_sided = false;
		medium.device = device_;
		device_->add(&medium);
		return medium;
	}

	/* Writes a line of the buffer to the same place of the region. */
	void post(const Call &call, size_t line)
	{
		uint8_t *bytes = &buffer_[line * kLine];
		std::fill_n(bytes, kLine, static_cast<uint8_t>(line + 1));
		ASSERT_EQ(submit(call, bytes, kLine, line * kLine, key_), 0);
	}
	bool has(const std::vector<uint8_t> &bytes, size_t line)
	{
		std::lock_guard guard(medium_->mutex);
		return bytes[line * kLine] == line + 1;
	}
	bool is_stored(size_t line) { return has(medium_->visible, line); }
	bool is_durable(size_t line) { return has(medium_->durable, line); }
	void await_stored(size_t line)
	{
		auto deadline = Clock::now() + kPatience;
		while (!is_stored(line) && Clock::now() < deadline)
			initiator_->progress();
		EXPECT_TRUE(is_stored(line));
	}
	/* Nothing has completed, and the service has had time for a mistake. */
	void expect_nothing()
	{
		for (int i = 0; i < 20; i++) {
			initiator_->progress();
			std::this_thread::sleep_for(
				std::chrono::milliseconds(1));
		}
		EXPECT_TRUE(owner_.results.empty());
	}

	static wire::Write write_of(uint64_t key, uint64_t sequence, size_t len,
				    uint16_t flags)
	{
		auto write =
			wire::make<wire::Write>(sequence, sequence, flags, len);
		write.token = Key(key).token();
		return write;
	}
	/* Sends a Write of one line. */
	static void send_line(RawPeer *peer, uint64_t key, uint64_t sequence,
			      uint16_t flags = wire::kFlush | wire::kCommit)
	{
		auto bytes = bytes_of(write_of(key, sequence, kLine, flags));
		bytes.resize(bytes.size() + kLine, 0xee);
		peer->send(bytes.data(), bytes.size());
	}

	std::shared_ptr<FakeDevice> device_ = std::make_shared<FakeDevice>();
	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	std::vector<uint8_t> buffer_ = std::vector<uint8_t>(16 * kLine);
};

TEST_F(GroupSync, CoversWhatWasStoredBeforeItBeganAndNothingElse)
{
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	post(kCommit, 1);
	post(kCommit, 2);
	await_stored(2);
	expect_nothing();
	device_->end_one();
	EXPECT_FALSE(wait().failure);
	EXPECT_TRUE(is_durable(0));
	ASSERT_TRUE(device_->await_begun(2));
	expect_nothing();
	EXPECT_FALSE(is_durable(1));
	device_->end_one();
	for (size_t line : {1, 2}) {
		EXPECT_FALSE(wait().failure);
		EXPECT_TRUE(is_durable(line));
	}
	EXPECT_EQ(device_->begun(), 2U);
}

TEST_F(GroupSync, KeepsNobodyElseWaiting)
{
	uint64_t other = add_region(&media_.emplace_back(kRegionLen));
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	for (uint64_t sequence = 1; sequence < 10; sequence++) {
		send_line(&peer, other, sequence);
		EXPECT_EQ(peer.receive_ack().status, 0);
	}
	expect_nothing();
	device_->end_one();
	EXPECT_FALSE(wait().failure);
}

TEST_F(GroupSync, DevicesDoNotWaitForEachOther)
{
	auto second = std::make_shared<FakeDevice>(1);
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	medium.device = second;
	second->add(&medium);
	uint64_t other = add_region(&medium);
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	send_line(&peer, other, 1);
	ASSERT_TRUE(second->await_begun(1));
	second->end_one();
	EXPECT_EQ(peer.receive_ack().status, 0);
	second->open();
	device_->end_one();
	EXPECT_FALSE(wait().failure);
}

TEST_F(GroupSync, HoldsUpWhatIsFencedBehindIt)
{
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	post(kFencedCommit, 1);
	post(kWrite, 2);
	expect_nothing();
	EXPECT_FALSE(is_stored(1));
	EXPECT_FALSE(is_stored(2));
	device_->end_one();
	EXPECT_FALSE(wait().failure);
	ASSERT_TRUE(device_->await_begun(2));
	EXPECT_TRUE(is_stored(1));
	expect_nothing();
	EXPECT_FALSE(is_stored(2));
	device_->end_one();
	EXPECT_FALSE(wait().failure);
	EXPECT_TRUE(is_durable(1));
	EXPECT_FALSE(wait().failure);
	EXPECT_TRUE(is_stored(2));
}

TEST_F(GroupSync, ThatFailsFailsAllItCoversAndPoisonsTheFile)
{
	FakeMedium &sibling = add_medium();
	uint64_t other = add_region(&sibling);
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	post(kCommit, 1);
	await_stored(1);
	device_->end_one(-FI_EIO);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(wait().failure.err, FI_EIO);
	uint64_t token = 0;
	Failure poison;
	EXPECT_TRUE(table_.take_poisoned(&token, &poison));
	EXPECT_TRUE(table_.take_poisoned(&token, &poison));
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	send_line(&peer, other, 1, 0);
	EXPECT_EQ(static_cast<Cause>(peer.receive_ack().cause),
		  Cause::region_poisoned);
	EXPECT_EQ(device_->begun(), 1U);
}

TEST_F(GroupSync, OfARegionThatIsClosedMeanwhileSavesNothing)
{
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	EXPECT_NE(table_.remove(Key(key_).token()), nullptr);
	device_->end_one();
	EXPECT_EQ(wait().failure.err, FI_ENOKEY);
	expect_commit(add_region(&media_.emplace_back(kRegionLen)));
}

/* Its channel is gone, and so is who would have heard of its end. */
TEST_F(GroupSync, OfAChannelThatIsGoneStandsForItsBytes)
{
	{
		RawPeer peer(*transport_, service_->port());
		peer.greet();
		send_line(&peer, key_, 1);
		ASSERT_TRUE(device_->await_begun(1));
	}
	post(kCommit, 1);
	await_stored(1);
	device_->end_one();
	ASSERT_TRUE(device_->await_begun(2));
	expect_nothing();
	device_->end_one();
	EXPECT_FALSE(wait().failure);
	EXPECT_TRUE(is_durable(1));
}

TEST_F(GroupSync, EndsBeforeTheService)
{
	post(kCommit, 0);
	ASSERT_TRUE(device_->await_begun(1));
	std::thread ender([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
		device_->open();
	});
	service_.reset();
	ender.join();
}

/* Local buffers are made durable beside the service. */
TEST_F(GroupSync, OfALocalBufferKeepsNobodyWaiting)
{
	uint64_t other = add_region(&media_.emplace_back(kRegionLen));
	int result = 1;
	std::thread reader([&] {
		iovec buffer{medium_->visible.data(), kLine};
		result = table_.commit_local(&buffer, 1);
	});
	ASSERT_TRUE(device_->await_begun(1));
	expect_commit(other);
	EXPECT_EQ(result, 1);
	device_->end_one();
	reader.join();
	EXPECT_EQ(result, 0);
}

/* The socket has room for it: TCP gives up, too, where nobody reads. */
constexpr size_t kLong = 40000;

class GroupSyncOfLongWrites : public GroupSync
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", "300");
		GroupSync::SetUp();
	}

	/* Sends a commit of a line, and a long Write behind it. */
	void send_both(RawPeer *peer, uint16_t flags)
	{
		peer->greet();
		send_line(peer, key_, 1);
		ASSERT_TRUE(device_->await_begun(1));
		auto bytes = bytes_of(write_of(key_, 2, kLong, flags));
		peer->send(bytes.data(), bytes.size());
		std::vector<uint8_t> payload(kLong, 0x77);
		peer->send(payload.data(), payload.size());
	}
	bool ends_with(uint8_t value)
	{
		std::lock_guard guard(medium_->mutex);
		return medium_->visible[kLong - 1] == value;
	}
};

/* However long that takes: the peer has not stopped. */
TEST_F(GroupSyncOfLongWrites, LeavesThemInTheSocketBehindAFence)
{
	RawPeer peer(*transport_, service_->port());
	send_both(&peer, wire::kFence | wire::kFlush | wire::kCommit);
	std::this_thread::sleep_for(std::chrono::milliseconds(1000));
	EXPECT_TRUE(ends_with(0));
	device_->end_one();
	EXPECT_EQ(peer.receive_ack().header.sequence, 1U);
	ASSERT_TRUE(device_->await_begun(2));
	EXPECT_TRUE(ends_with(0x77));
	device_->end_one();
	EXPECT_EQ(peer.receive_ack().header.sequence, 2U);
}

TEST_F(GroupSyncOfLongWrites, StoresThemMeanwhileWithoutAFence)
{
	RawPeer peer(*transport_, service_->port());
	send_both(&peer, wire::kFlush | wire::kCommit);
	auto deadline = Clock::now() + kPatience;
	while (!ends_with(0x77) && Clock::now() < deadline)
		std::this_thread::yield();
	EXPECT_TRUE(ends_with(0x77));
	device_->end_one();
	EXPECT_EQ(peer.receive_ack().header.sequence, 1U);
	device_->end_one();
	EXPECT_EQ(peer.receive_ack().header.sequence, 2U);
}

} // namespace

} // namespace ofi_pmem::test
