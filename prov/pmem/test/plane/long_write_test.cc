/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes whose payload is stored while it arrives over a socket: pieces,
 * strangers that stop in the middle, and regions that go away meanwhile.
 */
#include "core/owned_fd.hh"
#include "fixture/raw_peer.hh"
#include "fixture/raw_service.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kPayload = 300000;
constexpr size_t kPart = 100000;
constexpr uint64_t kOffset = 4096;

class LongWrite : public PlaneFixture
{
protected:
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", "1000");
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kRegionLen);
		key_ = add_region(medium_);
		for (size_t i = 0; i < payload_.size(); i++)
			payload_[i] = static_cast<uint8_t>(i * 7 + i / 251);
	}

	uint64_t token() const { return Key(key_).token(); }

	/* Returns the fixed part of a Write. */
	static std::vector<uint8_t>
	write_message(uint64_t sequence, uint64_t token, size_t len,
		      uint64_t offset = kOffset,
		      uint16_t flags = wire::kFlush | wire::kCommit)
	{
		auto write =
			wire::make<wire::Write>(sequence, sequence, flags, len);
		write.token = token;
		write.offset = offset;
		return bytes_of(write);
	}
	/* Sends that of a long one. */
	void begin(RawPeer *peer, uint64_t sequence, uint64_t token,
		   uint64_t offset = kOffset,
		   uint16_t flags = wire::kFlush | wire::kCommit)
	{
		auto bytes =
			write_message(sequence, token, kPayload, offset, flags);
		peer->send(bytes.data(), bytes.size());
	}
	void send(RawPeer *peer, size_t from, size_t to)
	{
		peer->send(&payload_[from], to - from);
	}

	std::vector<uint8_t> visible(uint64_t offset, size_t len)
	{
		std::lock_guard guard(medium_->mutex);
		auto from = medium_->visible.begin() +
			    static_cast<ptrdiff_t>(offset);
		return {from, from + static_cast<ptrdiff_t>(len)};
	}
	bool durable()
	{
		std::lock_guard guard(medium_->mutex);
		return std::equal(payload_.begin(), payload_.end(),
				  medium_->durable.begin() + kOffset);
	}
	/* The first `len` bytes of the payload have been stored. */
	void await_stored(size_t len)
	{
		const std::vector<uint8_t> wanted(
			payload_.begin(),
			payload_.begin() + static_cast<ptrdiff_t>(len));
		auto deadline = Clock::now() + kPatience;
		while (visible(kOffset, len) != wanted &&
		       Clock::now() < deadline)
			std::this_thread::yield();
		EXPECT_EQ(visible(kOffset, len), wanted);
	}

	/* Greets, and sends the first part of a long Write. */
	void send_part(RawPeer *peer)
	{
		peer->greet();
		begin(peer, 1, token());
		send(peer, 0, kPart);
		await_stored(kPart);
	}
	/* Greets, and sends all of one. */
	void send_whole(RawPeer *peer, uint64_t token,
			uint64_t offset = kOffset,
			uint16_t flags = wire::kFlush | wire::kCommit)
	{
		peer->greet();
		begin(peer, 1, token, offset, flags);
		send(peer, 0, kPayload);
	}

	/* The channel goes on behind the long Write with sequence 1. */
	void expect_service(RawPeer *peer)
	{
		auto resolve = wire::make<wire::Resolve>(2, 2);
		resolve.token =
			Key(add_region(&media_.emplace_back(64))).token();
		peer->send(resolve);
		EXPECT_EQ(peer->receive().size(), sizeof(wire::Region));
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	std::vector<uint8_t> payload_ = std::vector<uint8_t>(kPayload);
};

TEST_F(LongWrite, IsStoredAsItArrivesAndAnsweredWhenItIsDurable)
{
	for (bool direct : {true, false}) {
		SCOPED_TRACE(direct);
		medium_->one_sided = direct;
		std::fill(medium_->visible.begin(), medium_->visible.end(), 0);
		std::fill(medium_->durable.begin(), medium_->durable.end(), 0);
		RawPeer peer(*transport_, service_->port());
		peer.greet();
		begin(&peer, 1, token());
		size_t at = 0;
		for (size_t step : {1, 2, 5000, 70000, 200000}) {
			send(&peer, at, at + step);
			at += step;
			await_stored(at);
			EXPECT_FALSE(durable());
		}
		send(&peer, at, kPayload);
		EXPECT_EQ(peer.receive_ack().status, 0);
		EXPECT_TRUE(durable());
		expect_service(&peer);
	}
}

/* The drain of what came before does not stand for what arrives later. */
TEST_F(LongWrite, BehindACommitIsDrainedWhenItIsThere)
{
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	/* Both are executed in one batch, the second in part. */
	std::vector<uint8_t> both = write_message(1, token(), 8);
	both.resize(both.size() + 8);
	std::vector<uint8_t> head = write_message(2, token(), kPayload);
	both.insert(both.end(), head.begin(), head.end());
	both.insert(both.end(), payload_.begin(), payload_.begin() + kPart);
	peer.send(both.data(), both.size());
	EXPECT_EQ(peer.receive_ack().header.sequence, 1U);
	await_stored(kPart);
	send(&peer, kPart, kPayload);
	EXPECT_EQ(peer.receive_ack().header.sequence, 2U);
	EXPECT_TRUE(durable());
}

TEST_F(LongWrite, IsDrainedBehindADrainOfAnotherChannel)
{
	RawPeer peer(*transport_, service_->port());
	send_part(&peer);
	expect_commit(key_);
	send(&peer, kPart, kPayload);
	EXPECT_EQ(peer.receive_ack().status, 0);
	EXPECT_TRUE(durable());
}

TEST_F(LongWrite, OfAPeerThatStopsKeepsNobodyWaitingAndIsGivenUp)
{
	RawPeer peer(*transport_, service_->port());
	send_part(&peer);
	expect_commit(key_);
	EXPECT_TRUE(peer.receive().empty());
	expect_commit(key_);
	await_stored(kPart);
}

/* The application may use its memory again when the region is closed. */
TEST_F(LongWrite, ToARegionThatIsClosedMeanwhileTouchesNothingMore)
{
	RawPeer peer(*transport_, service_->port());
	send_part(&peer);
	auto closed = table_.remove(token());
	std::vector<uint8_t> refilled(kRegionLen, 0x5a);
	medium_->visible = refilled;
	send(&peer, kPart, kPayload);
	EXPECT_EQ(peer.receive_ack().status, FI_ENOKEY);
	EXPECT_EQ(medium_->visible, refilled);
	expect_service(&peer);
}

TEST_F(LongWrite, ThatIsRefusedIsReadToItsEnd)
{
	uint64_t unwritable =
		add_region(&media_.emplace_back(kRegionLen), wire::kRemoteRead);
	struct {
		uint64_t token;
		uint64_t offset;
		int err;
	} const refused[] = {
		{token(), kRegionLen - kPayload + 1, FI_EINVAL},
		{token(), UINT64_MAX - 10, FI_EINVAL},
		{token() ^ 1, 0, FI_ENOKEY},
		{Key(unwritable).token(), 0, FI_EACCES},
	};
	for (const auto &one : refused) {
		RawPeer peer(*transport_, service_->port());
		send_whole(&peer, one.token, one.offset);
		EXPECT_EQ(peer.receive_ack().status, one.err);
		expect_service(&peer);
	}
	EXPECT_EQ(visible(0, kRegionLen), std::vector<uint8_t>(kRegionLen));
}

TEST_F(LongWrite, ThatCannotBeStoredFailsAndTheChannelGoesOn)
{
	medium_->one_sided = false;
	medium_->store_result = -FI_ENOSPC;
	RawPeer peer(*transport_, service_->port());
	send_whole(&peer, token());
	auto answer = peer.receive_ack();
	EXPECT_EQ(answer.status, FI_ENOSPC);
	EXPECT_EQ(answer.cause, static_cast<uint16_t>(Cause::store_failed));
	expect_service(&peer);
}

/* It is behind the end of a file that was truncated. */
TEST_F(LongWrite, ToMemoryThatIsGoneFailsAndTheChannelGoesOn)
{
	auto region = std::make_unique<TargetRegion>();
	constexpr size_t kLen = 1 << 20;
	OwnedFd file(memfd_create("truncated", MFD_CLOEXEC));
	ASSERT_EQ(ftruncate(file.get(), kLen), 0);
	void *gone = mmap(nullptr, kLen, PROT_READ | PROT_WRITE, MAP_SHARED,
			  file.get(), 0);
	ASSERT_NE(gone, MAP_FAILED);
	ASSERT_EQ(ftruncate(file.get(), 0), 0);
	region->memory = static_cast<uint8_t *>(gone);
	region->len = kLen;
	region->access = wire::kRemoteWrite;
	region->backend = std::make_unique<FakeBackend>(medium_);
	uint64_t gone_token = 0;
	ASSERT_EQ(table_.add(std::move(region), &gone_token), 0);
	RawPeer peer(*transport_, service_->port());
	send_whole(&peer, gone_token, 0, 0);
	EXPECT_EQ(peer.receive_ack().status, FI_EIO);
	expect_service(&peer);
	table_.remove(gone_token);
	munmap(gone, kLen);
}

/* Else a pointer would be replaced before the record that it points to is
 * durable. */
TEST_F(LongWrite, BehindAVerificationStaysInTheSocket)
{
	std::atomic<bool> go_on{false};
	std::atomic<size_t> slices{0};
	medium_->after_call = [&] {
		slices++;
		while (!go_on)
			std::this_thread::yield();
	};
	/* They take more than one turn. */
	const std::vector<wire::Range> blocks(2, {token(), 0, kRegionLen});
	auto verify = wire::make<wire::Verify>(
		1, 1, 0, blocks.size() * sizeof(wire::Range));
	verify.algorithm = static_cast<uint8_t>(DigestAlgorithm::crc32c);
	verify.count = static_cast<uint16_t>(blocks.size());
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	peer.send(verify);
	peer.send(blocks.data(), blocks.size() * sizeof(wire::Range));
	begin(&peer, 2, token());
	send(&peer, 0, kPayload);
	while (!slices)
		std::this_thread::yield();
	EXPECT_EQ(visible(kOffset, kPayload), std::vector<uint8_t>(kPayload));
	go_on = true;
	wire::Header header{};
	auto answer = peer.receive();
	std::memcpy(&header, answer.data(),
		    std::min(answer.size(), sizeof(header)));
	EXPECT_EQ(header.type, wire::Type::verified);
	EXPECT_EQ(peer.receive_ack().status, 0);
	EXPECT_TRUE(durable());
	medium_->after_call = nullptr;
}

TEST_F(LongWrite, FailsWithTheRegionThatAFailedFlushPoisoned)
{
	medium_->flush_result = -FI_EIO;
	RawPeer peer(*transport_, service_->port());
	send_whole(&peer, token());
	EXPECT_EQ(peer.receive_ack().status, FI_EIO);
	medium_->flush_result = 0;
	uint64_t value = 1;
	ASSERT_EQ(submit(kCommit, &value, 8, 0, key_), 0);
	EXPECT_EQ(wait().failure.cause, Cause::region_poisoned);
}

/* The answer would give the buffer back while the link still sends it. */
TEST_F(LongWrite, AnsweredBeforeItIsSentIsALie)
{
	std::vector<uint8_t> data(64 << 20, 1);
	RawService service(*transport_, [&](const uint8_t *bytes, size_t) {
		wire::Header header{};
		std::memcpy(&header, bytes, sizeof(header));
		if (header.type == wire::Type::hello)
			return bytes_of(good_hello_ack());
		if (header.type == wire::Type::write)
			return bytes_of(
				wire::make<wire::Ack>(header.sequence, 0));
		auto region = wire::make<wire::Region>(header.sequence, 0);
		region.base = kBase;
		region.length = data.size();
		region.access = wire::kRemoteWrite;
		return bytes_of(region);
	});
	auto deadline = Clock::now() + kPatience;
	ssize_t ret = -FI_EAGAIN;
	while (owner_.results.empty() && Clock::now() < deadline) {
		if (ret == -FI_EAGAIN)
			ret = try_submit(kCommit, data.data(), data.size(), 0,
					 service.key(1));
		service.poll();
		initiator_->progress();
	}
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(wait().failure.cause, Cause::connection_lost);
}

} // namespace

} // namespace ofi_pmem::test
