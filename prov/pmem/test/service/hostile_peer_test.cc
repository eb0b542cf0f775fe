/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A service against peers that speak another version, out of turn, or
 * nonsense: the peer is disconnected, nothing is written, and the channel of a
 * well-behaved initiator goes on.
 */
#include "fixture/plane_fixture.hh"
#include "fixture/raw_peer.hh"

namespace ofi_pmem::test
{

namespace
{

class HostilePeer : public PlaneFixture
{
protected:
	/* A message that does not come to its end is given up in this time. */
	void SetUp() override
	{
		set_param("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", "1000");
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kRegionLen);
		key_ = add_region(medium_);
		expect_commit(key_);
	}

	void TearDown() override
	{
		for (Doomed &one : doomed_)
			expect_end(&one);
		expect_commit(key_);
		PlaneFixture::TearDown();
	}

	/* A peer that must be disconnected, and how many answers it may get. */
	struct Doomed {
		RawPeer peer;
		size_t answers;
	};

	void expect_end(Doomed *one)
	{
		size_t answers = 0;
		while (!one->peer.receive().empty())
			answers++;
		EXPECT_LE(answers, one->answers);
	}

	/* Sends this after the greeting; a hang-up is awaited in the end. */
	void expect_disconnect(const void *bytes, size_t len,
			       size_t answers = 0)
	{
		Doomed &one = doomed_.emplace_back(
			Doomed{{*transport_, service_->port()}, answers});
		one.peer.greet();
		one.peer.send(bytes, len);
	}

	/* Sends one request and expects it to fail with this cause. */
	void expect_failure(const void *bytes, size_t len, Cause cause)
	{
		RawPeer peer(*transport_, service_->port());
		peer.greet();
		peer.send(bytes, len);
		auto ack = peer.receive_ack();
		EXPECT_NE(ack.status, 0);
		EXPECT_EQ(ack.cause, static_cast<uint16_t>(cause));
	}

	/* A good request before it may be answered. */
	void expect_disconnect_behind_answer(const std::vector<uint8_t> &bytes)
	{
		expect_disconnect(bytes.data(), bytes.size(), 1);
	}

	template <typename Message>
	static void append(std::vector<uint8_t> *bytes, const Message &message)
	{
		auto from = reinterpret_cast<const uint8_t *>(&message);
		bytes->insert(bytes->end(), from, from + sizeof(message));
	}

	uint64_t token() const { return Key(key_).token(); }

	/* An Atomic with these ranges and `payload` bytes behind them. */
	static std::vector<uint8_t>
	atomic_message(unsigned datatype, unsigned op, uint16_t flags,
		       const std::vector<wire::Range> &ranges, size_t payload)
	{
		size_t ranges_len = ranges.size() * sizeof(wire::Range);
		auto message = wire::make<wire::Atomic>(1, 1, flags,
							ranges_len + payload);
		message.datatype = static_cast<uint8_t>(datatype);
		message.op = static_cast<uint8_t>(op);
		message.range_count = static_cast<uint16_t>(ranges.size());
		std::vector<uint8_t> bytes(sizeof(message) + ranges_len +
					   payload);
		std::memcpy(bytes.data(), &message, sizeof(message));
		if (ranges_len)
			std::memcpy(bytes.data() + sizeof(message),
				    ranges.data(), ranges_len);
		return bytes;
	}
	/* An Announce with these ranges and `extra` bytes behind them. */
	static std::vector<uint8_t>
	announcement(const std::vector<wire::Range> &ranges, size_t extra)
	{
		size_t ranges_len = ranges.size() * sizeof(wire::Range);
		auto message =
			wire::make<wire::Announce>(1, 1, 0, ranges_len + extra);
		std::vector<uint8_t> bytes(sizeof(message) + ranges_len +
					   extra);
		std::memcpy(bytes.data(), &message, sizeof(message));
		std::memcpy(bytes.data() + sizeof(message), ranges.data(),
			    ranges_len);
		return bytes;
	}

	void expect_disconnect(const std::vector<uint8_t> &bytes)
	{
		expect_disconnect(bytes.data(), bytes.size());
	}
	void expect_failure(const std::vector<uint8_t> &bytes, Cause cause)
	{
		expect_failure(bytes.data(), bytes.size(), cause);
	}

	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	std::deque<Doomed> doomed_;
};

} // namespace

TEST_F(HostilePeer, OfAnotherVersionIsToldWhichOnesWeSpeak)
{
	RawPeer peer(*transport_, service_->port());
	peer.send(RawPeer::hello(wire::kVersion + 1, wire::kVersion + 3));
	auto answer = peer.receive();
	wire::HelloAck ack{};
	ASSERT_TRUE(wire::parse(answer.data(), answer.size(), &ack));
	EXPECT_EQ(ack.status, FI_ENOPROTOOPT);
	EXPECT_EQ(ack.min_version, wire::kMinVersion);
	EXPECT_EQ(ack.max_version, wire::kVersion);
}

TEST_F(HostilePeer, ThatOverlapsOurVersionIsAccepted)
{
	RawPeer peer(*transport_, service_->port());
	peer.send(RawPeer::hello(0, wire::kVersion + 3));
	auto answer = peer.receive();
	wire::HelloAck ack{};
	ASSERT_TRUE(wire::parse(answer.data(), answer.size(), &ack));
	EXPECT_EQ(ack.status, 0);
}

TEST_F(HostilePeer, OfAnOlderVersionThatWeSpeakIsServed)
{
	RawPeer peer(*transport_, service_->port());
	peer.send(RawPeer::hello(wire::kMinVersion, wire::kMinVersion));
	auto answer = peer.receive();
	wire::HelloAck ack{};
	ASSERT_TRUE(wire::parse(answer.data(), answer.size(), &ack));
	EXPECT_EQ(ack.status, 0);
	auto resolve = wire::make<wire::Resolve>(1, 1);
	resolve.token = token();
	peer.send(resolve);
	wire::Region region{};
	answer = peer.receive();
	ASSERT_TRUE(wire::parse(answer.data(), answer.size(), &region));
	EXPECT_EQ(region.header.version, wire::kMinVersion);
}

/* Else what is still under way there would be executed after newer writes. */
TEST_F(HostilePeer, ThatConnectsAnewLosesItsEarlierConnection)
{
	RawPeer earlier(*transport_, service_->port());
	RawPeer other(*transport_, service_->port());
	RawPeer nameless(*transport_, service_->port());
	RawPeer again(*transport_, service_->port());
	earlier.greet(7);
	other.greet(8);
	nameless.greet();
	again.greet(7);
	EXPECT_TRUE(earlier.receive().empty());
	RawPeer also_nameless(*transport_, service_->port());
	also_nameless.greet();
	auto resolve = wire::make<wire::Resolve>(1, 1);
	resolve.token = token();
	for (RawPeer *peer : {&other, &nameless, &again, &also_nameless}) {
		peer->send(resolve);
		EXPECT_EQ(peer->receive().size(), sizeof(wire::Region));
	}
}

TEST_F(HostilePeer, WithAnotherMagicIsDisconnected)
{
	RawPeer peer(*transport_, service_->port());
	auto hello = RawPeer::hello(wire::kVersion, wire::kVersion);
	hello.magic = 0x12345678;
	peer.send(hello);
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(HostilePeer, ThatDoesNotGreetIsDisconnected)
{
	RawPeer peer(*transport_, service_->port());
	auto resolve = wire::make<wire::Resolve>(1, 0);
	resolve.token = token();
	peer.send(resolve);
	EXPECT_TRUE(peer.receive().empty());
}

TEST_F(HostilePeer, WithMessagesOfEveryWrongLengthIsDisconnected)
{
	auto write = wire::make<wire::Write>(1, 1);
	write.token = token();
	for (size_t len : {size_t{1}, sizeof(wire::Header) - 1,
			   sizeof(wire::Header), sizeof(write) - 1})
		expect_disconnect(&write, len);
	auto flush = wire::make<wire::Flush>(1, 1, 0, 5);
	std::array<uint8_t, sizeof(flush) + 5> odd{};
	std::memcpy(odd.data(), &flush, sizeof(flush));
	expect_disconnect(odd.data(), odd.size());
	auto read = wire::make<wire::Read>(1, 1);
	expect_disconnect(&read, sizeof(read) - 4);
}

TEST_F(HostilePeer, WhoseHeaderLiesAboutTheLengthIsDisconnected)
{
	auto write = wire::make<wire::Write>(1, 1, wire::kFlush, 4096);
	write.token = token();
	expect_disconnect(&write, sizeof(write));
	auto resolve = wire::make<wire::Resolve>(1, 1);
	resolve.header.length = 8;
	expect_disconnect(&resolve, sizeof(resolve));
}

TEST_F(HostilePeer, MaySendSeveralRequestsAsOneMessage)
{
	std::vector<uint8_t> bytes;
	for (uint64_t sequence = 1; sequence <= 3; sequence++) {
		auto write = wire::make<wire::Write>(sequence, sequence, 0, 1);
		write.token = token();
		write.offset = sequence;
		append(&bytes, write);
		bytes.push_back(static_cast<uint8_t>(sequence));
	}
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	peer.send(bytes.data(), bytes.size());
	auto ack = peer.receive_ack();
	EXPECT_EQ(ack.status, 0);
	EXPECT_EQ(ack.header.sequence, 3U);
	EXPECT_EQ(medium_->visible[3], 3);
}

/* More than it has credits, each of which fails: all are answered. */
TEST_F(HostilePeer, MayCrowdRequestsIntoOneMessage)
{
	constexpr uint64_t kCount = 4 * wire::kMaxCredits;
	std::vector<uint8_t> bytes;
	for (uint64_t sequence = 1; sequence <= kCount; sequence++)
		append(&bytes, wire::make<wire::Resolve>(sequence, sequence));
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	peer.send(bytes.data(), bytes.size());
	for (uint64_t sequence = 1; sequence <= kCount; sequence++) {
		auto ack = peer.receive_ack();
		EXPECT_EQ(ack.header.sequence, sequence);
		EXPECT_EQ(ack.status, FI_ENOKEY);
	}
}

TEST_F(HostilePeer, WithPartOfARequestBehindAnotherIsDisconnected)
{
	auto good = wire::make<wire::Resolve>(1, 1);
	auto next = wire::make<wire::Resolve>(2, 2);
	for (uint32_t length : {0U, 1U, uint32_t{sizeof(next)} - 1,
				uint32_t{sizeof(next)} + 1, UINT32_MAX}) {
		std::vector<uint8_t> bytes;
		append(&bytes, good);
		next.header.length = length;
		append(&bytes, next);
		expect_disconnect_behind_answer(bytes);
	}
	for (size_t len :
	     {size_t{1}, sizeof(wire::Header) - 1, sizeof(next) - 1}) {
		next = wire::make<wire::Resolve>(2, 2);
		std::vector<uint8_t> bytes;
		append(&bytes, good);
		append(&bytes, next);
		bytes.resize(sizeof(good) + len);
		expect_disconnect_behind_answer(bytes);
	}
}

TEST_F(HostilePeer, OutOfSequenceIsDisconnected)
{
	for (uint64_t sequence : {uint64_t{0}, uint64_t{2}, UINT64_MAX}) {
		auto resolve = wire::make<wire::Resolve>(sequence, 1);
		resolve.token = token();
		expect_disconnect(&resolve, sizeof(resolve));
	}
}

TEST_F(HostilePeer, WithAnUnknownOrAnAnswersTypeIsDisconnected)
{
	for (uint8_t type : {0, 1, 2, 5, 8, 9, 77, 255}) {
		auto message = wire::make<wire::Resolve>(1, 1);
		message.header.type = static_cast<wire::Type>(type);
		expect_disconnect(&message, sizeof(message));
	}
}

TEST_F(HostilePeer, ThatReadsMoreThanOneAnswerHoldsIsDisconnected)
{
	auto read = wire::make<wire::Read>(1, 1);
	read.token = token();
	read.length = wire::kMaxPayload + 1;
	expect_disconnect(&read, sizeof(read));
}

TEST_F(HostilePeer, WithAnAtomicWhosePartsDoNotFitIsDisconnected)
{
	wire::Range word{token(), 0, 8};
	/* These payloads are too short, too long, or lack operands. */
	for (size_t payload : {size_t{0}, size_t{7}, size_t{9}, size_t{16}})
		expect_disconnect(
			atomic_message(FI_UINT64, FI_SUM, 0, {word}, payload));
	for (size_t payload : {size_t{0}, size_t{8}, size_t{24}})
		expect_disconnect(atomic_message(
			FI_UINT64, FI_CSWAP, wire::kFetch, {word}, payload));
	expect_disconnect(atomic_message(FI_UINT64, FI_ATOMIC_READ,
					 wire::kFetch, {word}, 8));
	/* The end of an element. */
	expect_disconnect(
		atomic_message(FI_UINT64, FI_SUM, 0, {{token(), 0, 7}}, 7));
	/* Results that nobody gets. */
	expect_disconnect(
		atomic_message(FI_UINT64, FI_ATOMIC_READ, 0, {word}, 0));
	expect_disconnect(atomic_message(FI_UINT64, FI_CSWAP, 0, {word}, 16));
}

TEST_F(HostilePeer, WithAnAtomicOfImpossibleSizeIsDisconnected)
{
	uint64_t most = wire::kMaxAtomicBytes;
	auto read = [&](const std::vector<wire::Range> &ranges) {
		return atomic_message(FI_UINT8, FI_ATOMIC_READ, wire::kFetch,
				      ranges, 0);
	};
	expect_disconnect(read({{token(), 0, most + 1}}));
	expect_disconnect(read({{token(), 0, most}, {token(), 0, 1}}));
	/* Sums that would wrap. */
	expect_disconnect(read({{token(), 0, 1}, {token(), 0, UINT64_MAX}}));
	expect_disconnect(
		read({{token(), 0, 1ULL << 63}, {token(), 0, 1ULL << 63}}));
	expect_disconnect(read(std::vector<wire::Range>(
		wire::kMaxAtomicRanges + 1, {token(), 0, 1})));
	/* More ranges than the message has. */
	auto lying = read({{token(), 0, 8}});
	uint16_t count = 8;
	std::memcpy(&lying[offsetof(wire::Atomic, range_count)], &count,
		    sizeof(count));
	expect_disconnect(lying);
	count = UINT16_MAX;
	std::memcpy(&lying[offsetof(wire::Atomic, range_count)], &count,
		    sizeof(count));
	expect_disconnect(lying);
	auto bare = wire::make<wire::Atomic>(1, 1);
	expect_disconnect(&bare, sizeof(bare) - 1);
}

TEST_F(HostilePeer, WithAnUnknownAtomicIsToldSo)
{
	wire::Range word{token(), 0, 8};
	auto unknown = [&](unsigned datatype, unsigned op) {
		expect_failure(
			atomic_message(datatype, op, wire::kFetch, {word}, 8),
			Cause::unsupported_atomic);
	};
	unknown(FI_UINT64, 20);
	unknown(FI_UINT64, 255);
	unknown(16, FI_SUM);
	unknown(255, 255);
	unknown(FI_FLOAT, FI_BXOR);
	unknown(FI_FLOAT_COMPLEX, FI_MAX);
}

TEST_F(HostilePeer, WithAnAtomicOutsideTheRegionGetsNothing)
{
	auto sum = [&](uint64_t owner, uint64_t offset) {
		return atomic_message(
			FI_UINT64, FI_SUM, wire::kFetch | wire::kCommit,
			{{token(), 0, 8}, {owner, offset, 8}}, 16);
	};
	for (uint64_t offset : {uint64_t{kRegionLen - 7}, uint64_t{kRegionLen},
				UINT64_MAX - 3, uint64_t{1} << 63})
		expect_failure(sum(token(), offset), Cause::out_of_range);
	expect_failure(sum(token() ^ 1, 0), Cause::unknown_key);
	media_.emplace_back(kRegionLen);
	uint64_t unreadable = add_region(&media_.back(), wire::kRemoteWrite);
	expect_failure(sum(Key(unreadable).token(), 0), Cause::access_denied);
}

TEST_F(HostilePeer, MayAskForNoRangesAtAll)
{
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	auto nothing = atomic_message(FI_UINT64, FI_SUM, wire::kFetch, {}, 0);
	peer.send(nothing.data(), nothing.size());
	EXPECT_EQ(peer.receive().size(), sizeof(wire::Data));
}

TEST_F(HostilePeer, AnnouncesNothingThatItMayNotWrite)
{
	wire::Range good{token(), 0, 8};
	std::vector<wire::Range> many(wire::kMaxAnnouncedRanges + 1, good);
	expect_disconnect(announcement(many, 0));
	expect_disconnect(announcement({good}, 1));
	expect_failure(announcement({good, {token(), 1, kRegionLen}}, 0),
		       Cause::out_of_range);
	expect_failure(announcement({good, {token() ^ 1, 0, 8}}, 0),
		       Cause::unknown_key);
	expect_failure(announcement({{token(), 0, UINT64_MAX}}, 0),
		       Cause::out_of_range);
	EXPECT_TRUE(table_.announcements().empty());
}

/* The announced bytes may have been written in part, and are not flushed. */
TEST_F(HostilePeer, WhoseAnnouncementFailsGetsNoFencedCommitBehindIt)
{
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	auto bad = announcement({{token() ^ 1, 0, 8}}, 0);
	peer.send(bad.data(), bad.size());
	EXPECT_FALSE(peer.receive().empty());
	peer.send(wire::make<wire::Flush>(2, 2, wire::kFence | wire::kCommit));
	auto ack = peer.receive_ack();
	EXPECT_EQ(ack.cause,
		  static_cast<uint16_t>(Cause::earlier_write_failed));
}

TEST_F(HostilePeer, WhoseAnnouncedWriteFailsAnnouncedNothing)
{
	auto &announcements = table_.announcements();
	RawPeer peer(*transport_, service_->port());
	peer.greet();
	auto message = announcement({{token(), 0, 8}}, 0);
	peer.send(message.data(), message.size());
	EXPECT_FALSE(peer.receive().empty());
	EXPECT_FALSE(announcements.empty());
	auto write = wire::make<wire::Write>(2, 1);
	write.token = token() ^ 1;
	peer.send(write);
	EXPECT_FALSE(peer.receive().empty());
	EXPECT_TRUE(announcements.empty());
}

TEST_F(HostilePeer, WithAForgedTokenGetsNothing)
{
	auto resolve = wire::make<wire::Resolve>(1, 1);
	resolve.token = token() ^ 1;
	expect_failure(&resolve, sizeof(resolve), Cause::unknown_key);
	auto read = wire::make<wire::Read>(1, 1);
	read.token = token() ^ (1ULL << 40);
	read.length = 8;
	expect_failure(&read, sizeof(read), Cause::unknown_key);
}

TEST_F(HostilePeer, OutsideTheRegionGetsNothing)
{
	for (uint64_t offset : {uint64_t{kRegionLen - 7}, uint64_t{kRegionLen},
				UINT64_MAX - 3, uint64_t{1} << 63}) {
		auto read = wire::make<wire::Read>(1, 1);
		read.token = token();
		read.offset = offset;
		read.length = 8;
		expect_failure(&read, sizeof(read), Cause::out_of_range);

		auto write = wire::make<wire::Write>(1, 1, wire::kFlush, 8);
		write.token = token();
		write.offset = offset;
		std::array<uint8_t, sizeof(write) + 8> bytes{};
		std::memcpy(bytes.data(), &write, sizeof(write));
		expect_failure(bytes.data(), bytes.size(), Cause::out_of_range);

		auto flush = wire::make<wire::Flush>(1, 1, wire::kCommit,
						     sizeof(wire::Range));
		wire::Range range{token(), offset, 8};
		std::array<uint8_t, sizeof(flush) + sizeof(range)> both{};
		std::memcpy(both.data(), &flush, sizeof(flush));
		std::memcpy(&both[sizeof(flush)], &range, sizeof(range));
		expect_failure(both.data(), both.size(), Cause::out_of_range);
	}
}

} // namespace ofi_pmem::test
