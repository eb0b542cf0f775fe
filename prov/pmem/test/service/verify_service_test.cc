/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The service's answers to Verify: what it reads back, which blocks it names,
 * that a long one keeps nobody waiting, and what it refuses.
 */
#include "digest/digest.hh"
#include "fixture/raw_peer.hh"

namespace ofi_pmem::test
{

namespace
{

constexpr auto kCrc = DigestAlgorithm::crc32c;

class VerifyService : public PlaneFixture
{
protected:
	struct Answer {
		wire::Verified head{};
		std::vector<Digest> digests;
		std::vector<wire::BadBlock> bad;
	};

	void SetUp() override
	{
		PlaneFixture::SetUp();
		medium_ = &media_.emplace_back(kLen);
		for (size_t i = 0; i < kLen; i++)
			medium_->durable[i] =
				static_cast<uint8_t>(i * 31 % 251);
		medium_->visible = medium_->durable;
		key_ = add_region(medium_);
		peer_.emplace(*transport_, service_->port());
		peer_->greet();
	}

	void TearDown() override
	{
		peer_.reset();
		PlaneFixture::TearDown();
	}

	wire::Range block(uint64_t offset, uint64_t len) const
	{
		return {Key(key_).token(), offset, len};
	}

	/* Digests what is durable. */
	Digest digest(DigestAlgorithm algorithm, const wire::Range &block) const
	{
		auto engine = open_digest(algorithm);
		engine->update(&medium_->durable[block.offset], block.length);
		return engine->finish();
	}

	static std::vector<uint8_t>
	message(uint64_t sequence, DigestAlgorithm algorithm,
		const std::vector<wire::Range> &blocks,
		const std::vector<Digest> &expected = {})
	{
		size_t each = digest_length(algorithm);
		auto head = wire::make<wire::Verify>(
			sequence, sequence, 0,
			blocks.size() * sizeof(wire::Range) +
				expected.size() * each);
		head.algorithm = static_cast<uint8_t>(algorithm);
		head.compare = !expected.empty();
		head.count = static_cast<uint16_t>(blocks.size());
		std::vector<uint8_t> bytes(sizeof(head));
		std::memcpy(bytes.data(), &head, sizeof(head));
		for (const auto &one : blocks) {
			auto from = reinterpret_cast<const uint8_t *>(&one);
			bytes.insert(bytes.end(), from, from + sizeof(one));
		}
		for (const Digest &one : expected)
			bytes.insert(bytes.end(), one.bytes.begin(),
				     one.bytes.begin() +
					     static_cast<long>(each));
		return bytes;
	}

	template <typename... Args> Answer ask(const Args &...args)
	{
		send(++sequence_, args...);
		return receive();
	}

	template <typename... Args>
	void send(uint64_t sequence, const Args &...args)
	{
		algorithm_ = std::get<0>(std::tie(args...));
		auto bytes = message(sequence, args...);
		peer_->send(bytes.data(), bytes.size());
	}

	Answer receive()
	{
		Answer answer;
		auto bytes = peer_->receive();
		if (!wire::parse(bytes.data(), bytes.size(), &answer.head)) {
			ADD_FAILURE()
				<< "no Verified, " << bytes.size() << " bytes";
			return answer;
		}
		size_t each = digest_length(algorithm_);
		const uint8_t *next = bytes.data() + sizeof(answer.head);
		for (size_t i = 0; i < answer.head.digests; i++) {
			Digest digest;
			digest.length = static_cast<uint8_t>(each);
			std::memcpy(digest.bytes.data(), next, each);
			answer.digests.push_back(digest);
			next += each;
		}
		for (size_t i = 0; i < answer.head.bad; i++) {
			wire::BadBlock bad;
			std::memcpy(&bad, next, sizeof(bad));
			answer.bad.push_back(bad);
			next += sizeof(bad);
		}
		EXPECT_EQ(next, bytes.data() + bytes.size());
		return answer;
	}

	wire::Ack refusal(const std::vector<uint8_t> &bytes)
	{
		peer_->send(bytes.data(), bytes.size());
		return peer_->receive_ack();
	}

	static constexpr size_t kLen = 1 << 20;
	FakeMedium *medium_ = nullptr;
	uint64_t key_ = 0;
	uint64_t sequence_ = 0;
	DigestAlgorithm algorithm_ = kCrc;
	std::optional<RawPeer> peer_;
};

TEST_F(VerifyService, RegionsTellWhatTheyCanBeAskedFor)
{
	auto resolve = wire::make<wire::Resolve>(++sequence_, 1);
	resolve.token = Key(key_).token();
	peer_->send(resolve);
	auto answer = peer_->receive();
	wire::Region region{};
	ASSERT_TRUE(wire::parse(answer.data(), answer.size(), &region));
	EXPECT_EQ(region.digests, available_digests());
	EXPECT_TRUE(region.digests & digest_bit(kCrc));
	EXPECT_EQ(region.coverage, static_cast<uint8_t>(Coverage::domain));
}

/* The blocks are shorter and longer than a slice, overlapping, odd. */
TEST_F(VerifyService, DigestsWhatIsDurableWithEveryAlgorithm)
{
	std::vector<wire::Range> blocks{block(0, 1),
					block(3, 4093),
					block(5, ReadBackBuffer::kSize),
					block(7, ReadBackBuffer::kSize + 1),
					block(0, kLen),
					block(kLen - 1, 1)};
	medium_->visible[100] ^= 1; /* not flushed */
	for (auto algorithm : kDigestAlgorithms) {
		if (!(available_digests() & digest_bit(algorithm)))
			continue;
		SCOPED_TRACE(to_string(algorithm));
		Answer answer = ask(algorithm, blocks);
		ASSERT_EQ(answer.digests.size(), blocks.size());
		EXPECT_TRUE(answer.bad.empty());
		for (size_t i = 0; i < blocks.size(); i++)
			EXPECT_EQ(answer.digests[i],
				  digest(algorithm, blocks[i]))
				<< i;
	}
}

TEST_F(VerifyService, ComparesAndNamesTheBadBlocksOnly)
{
	std::vector<wire::Range> blocks;
	std::vector<Digest> expected;
	for (size_t i = 0; i < wire::kMaxBlocks; i++) {
		blocks.push_back(block(i * 1000, 1000));
		expected.push_back(digest(kCrc, blocks[i]));
	}
	Answer answer = ask(kCrc, blocks, expected);
	EXPECT_EQ(answer.head.digests, 0);
	EXPECT_TRUE(answer.bad.empty());

	{
		std::lock_guard guard(medium_->mutex);
		medium_->durable[3999] ^= 0x80;
		medium_->durable[511000] ^= 1;
	}
	answer = ask(kCrc, blocks, expected);
	ASSERT_EQ(answer.bad.size(), 2u);
	EXPECT_EQ(answer.bad[0].index, 3);
	EXPECT_EQ(answer.bad[1].index, 511);
	for (const auto &bad : answer.bad) {
		Digest now = digest(kCrc, blocks[bad.index]);
		EXPECT_EQ(bad.status, 0);
		EXPECT_EQ(std::memcmp(bad.found, now.bytes.data(), now.length),
			  0);
	}
}

TEST_F(VerifyService, NamesBlocksThatCannotBeReadAndGoesOn)
{
	medium_->unreadable = {70000};
	std::vector<wire::Range> blocks{block(0, 60000), block(60000, 200000),
					block(260000, 10)};
	Answer answer = ask(kCrc, blocks);
	ASSERT_EQ(answer.digests.size(), 3u);
	EXPECT_EQ(answer.digests[0], digest(kCrc, blocks[0]));
	EXPECT_EQ(answer.digests[2], digest(kCrc, blocks[2]));
	ASSERT_EQ(answer.bad.size(), 1u);
	EXPECT_EQ(answer.bad[0].index, 1);
	EXPECT_EQ(answer.bad[0].status, FI_EIO);
}

/* The initiator sends all of it at once. */
TEST_F(VerifyService, ReadsWhatTheCommitBeforeItMadeDurable)
{
	const uint8_t payload[] = "written, and committed";
	auto write = wire::make<wire::Write>(1, 1, wire::kFlush | wire::kCommit,
					     sizeof(payload));
	write.token = Key(key_).token();
	write.offset = 500;
	std::vector<uint8_t> bytes(sizeof(write) + sizeof(payload));
	std::memcpy(bytes.data(), &write, sizeof(write));
	std::memcpy(&bytes[sizeof(write)], payload, sizeof(payload));
	auto engine = open_digest(kCrc);
	engine->update(payload, sizeof(payload));
	auto verify = message(2, kCrc, {block(500, sizeof(payload))},
			      {engine->finish()});
	bytes.insert(bytes.end(), verify.begin(), verify.end());
	peer_->send(bytes.data(), bytes.size());
	Answer answer = receive();
	EXPECT_EQ(answer.head.header.sequence, 2u);
	EXPECT_TRUE(answer.bad.empty());
}

TEST_F(VerifyService, WhatFoundABadBlockFailsTheNextFence)
{
	Digest wrong = digest(kCrc, block(0, 8));
	wrong.bytes[0] ^= 1;
	Answer answer = ask(kCrc, std::vector<wire::Range>{block(0, 8)},
			    std::vector<Digest>{wrong});
	EXPECT_EQ(answer.bad.size(), 1u);
	auto fenced = wire::make<wire::Write>(
		2, 2, wire::kFlush | wire::kCommit | wire::kFence, 8);
	fenced.token = Key(key_).token();
	std::vector<uint8_t> bytes(sizeof(fenced) + 8, 0xee);
	std::memcpy(bytes.data(), &fenced, sizeof(fenced));
	wire::Ack ack = refusal(bytes);
	EXPECT_EQ(ack.status, FI_EIO);
	EXPECT_EQ(ack.cause,
		  static_cast<uint16_t>(Cause::earlier_write_failed));
	EXPECT_NE(medium_->visible[0], 0xee);
}

/* The whole medium 512 times; a commit that comes meanwhile is not behind it.
 */
TEST_F(VerifyService, OfMuchKeepsNoOtherChannelWaiting)
{
	auto *other = &media_.emplace_back(kRegionLen);
	uint64_t ordinary = add_region(other);
	uint64_t value = 7;
	Call commit;
	commit.level = Level::commit;
	ASSERT_EQ(submit(commit, &value, 8, 0, ordinary), 0);
	EXPECT_EQ(wait().failure.err, 0);

	std::atomic<bool> submitted{false};
	std::atomic<size_t> slices{0};
	std::atomic<size_t> slices_before_store{0};
	medium_->after_call = [&] {
		if (++slices > 2) {
			while (!submitted)
				;
		}
	};
	other->after_call = [&] {
		if (!slices_before_store)
			slices_before_store = slices.load();
	};
	std::vector<wire::Range> blocks(wire::kMaxBlocks, block(0, kLen));
	send(1, kCrc, blocks);
	while (slices < 2)
		;
	ASSERT_EQ(submit(commit, &value, 8, 0, ordinary), 0);
	submitted = true;
	EXPECT_EQ(wait().failure.err, 0);
	EXPECT_LT(slices_before_store,
		  blocks.size() * (kLen / ReadBackBuffer::kSize) / 2);
	Answer answer = receive();
	ASSERT_EQ(answer.digests.size(), blocks.size());
	EXPECT_EQ(answer.digests.back(), digest(kCrc, blocks.back()));
}

TEST_F(VerifyService, OfARegionThatIsClosedMeanwhileFails)
{
	std::vector<wire::Range> blocks(wire::kMaxBlocks, block(0, kLen));
	send(1, kCrc, blocks);
	while (!medium_->count("read back"))
		;
	table_.remove(Key(key_).token());
	EXPECT_EQ(peer_->receive_ack().status, FI_ENOKEY);
}

TEST_F(VerifyService, RefusesWhatItCannotOrMustNotTell)
{
	auto cause = [&](const std::vector<wire::Range> &blocks) {
		wire::Ack ack = refusal(message(++sequence_, kCrc, blocks));
		EXPECT_NE(ack.status, 0);
		return static_cast<Cause>(ack.cause);
	};
	uint64_t hidden = add_region(&media_.emplace_back(kRegionLen),
				     wire::kRemoteWrite);
	EXPECT_EQ(cause({{Key(hidden).token(), 0, 8}}), Cause::access_denied);
	EXPECT_EQ(cause({{12345, 0, 8}}), Cause::unknown_key);
	EXPECT_EQ(cause({block(0, 8), block(kLen - 1, 2)}),
		  Cause::out_of_range);
	EXPECT_EQ(cause({block(UINT64_MAX, 2)}), Cause::out_of_range);
	EXPECT_EQ(cause({block(0, UINT64_MAX)}), Cause::out_of_range);
	EXPECT_EQ(cause({block(8, 0)}), Cause::out_of_range);
	EXPECT_EQ(medium_->count("read back"), 0u);
}

TEST_F(VerifyService, HangsUpOnNonsense)
{
	std::vector<wire::Range> one{block(0, 8)};
	Digest good = digest(kCrc, one[0]);
	auto with = [&](const std::function<void(wire::Verify *)> &change,
			std::vector<uint8_t> bytes) {
		wire::Verify head;
		std::memcpy(&head, bytes.data(), sizeof(head));
		change(&head);
		std::memcpy(bytes.data(), &head, sizeof(head));
		RawPeer peer(*transport_, service_->port());
		peer.greet();
		peer.send(bytes.data(), bytes.size());
		EXPECT_TRUE(peer.receive().empty());
	};
	auto plain = message(1, kCrc, one);
	with([](wire::Verify *head) { head->algorithm = 0; }, plain);
	with([](wire::Verify *head) { head->algorithm = 8; }, plain);
	with([](wire::Verify *head) { head->compare = 1; }, plain);
	with([](wire::Verify *head) { head->compare = 2; }, plain);
	with([](wire::Verify *head) { head->count = 0; }, plain);
	with([](wire::Verify *head) { head->count = 2; }, plain);
	with([](wire::Verify *head) { head->count = 65535; }, plain);
	with([](wire::Verify *head) { head->header.flags = wire::kFence; },
	     plain);
	with([](wire::Verify *head) { head->header.version--; }, plain);
	with([](wire::Verify *head) { head->compare = 0; },
	     message(1, kCrc, one, {good}));
	with([](wire::Verify *) {},
	     message(1, kCrc,
		     std::vector<wire::Range>(wire::kMaxBlocks + 1, one[0])));
}

} // namespace

} // namespace ofi_pmem::test
