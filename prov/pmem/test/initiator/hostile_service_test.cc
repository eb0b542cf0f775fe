/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An initiator against what answers on a service's port and is not one, speaks
 * another version, or lies: a clear error, never a completion that claims
 * durability, and other channels go on.
 */
#include "fixture/raw_service.hh"

namespace ofi_pmem::test
{

namespace
{

wire::Region good_region(uint64_t sequence)
{
	auto region = wire::make<wire::Region>(sequence, 0);
	region.base = 0x100000;
	region.length = 4096;
	region.access = wire::kRemoteRead | wire::kRemoteWrite;
	region.digests = static_cast<uint8_t>(available_digests());
	return region;
}

class HostileService : public PlaneFixture
{
protected:
	/* Greets and resolves properly; then `answer` takes over. */
	static RawService::Answer
	proper_until_request(RawService::Answer answer)
	{
		return [answer](const uint8_t *bytes, size_t len) {
			wire::Header header{};
			std::memcpy(&header, bytes, sizeof(header));
			if (header.type == wire::Type::hello)
				return bytes_of(good_hello_ack());
			if (header.type == wire::Type::resolve)
				return bytes_of(good_region(header.sequence));
			return answer(bytes, len);
		};
	}

	/* Repeats until the operation is accepted or refused. */
	template <typename Submit>
	static ssize_t until_taken_by(RawService *service, Submit submit_once)
	{
		ssize_t ret;
		auto deadline = Clock::now() + kPatience;
		do {
			ret = submit_once();
			service->poll();
		} while (ret == -FI_EAGAIN && Clock::now() < deadline);
		return ret;
	}

	/* Submits a commit until it is accepted or refused. */
	ssize_t commit_to(RawService *service)
	{
		Call commit;
		commit.level = Level::commit;
		return until_taken_by(service, [&] {
			return try_submit(commit, &value_, 8, 0,
					  service->key(1));
		});
	}

	/* Submits a fetching atomic, into `value_`. */
	ssize_t fetch_from(RawService *service)
	{
		iovec word{&value_, sizeof(value_)};
		fi_rma_iov rma{kBase, sizeof(value_), service->key(1)};
		fi_msg_rma msg{};
		msg.msg_iov = &word;
		msg.iov_count = 1;
		msg.rma_iov = &rma;
		msg.rma_iov_count = 1;
		AtomicOp atomic{FI_UINT64, FI_SUM, true, nullptr, 0, &word, 1};
		OpRequest request = OpRequest::atomic(msg, atomic).report();
		return until_taken_by(
			service, [&] { return channels_->submit(request, 0); });
	}

	/* Submits a verification of two blocks, into `digests_`. */
	ssize_t verify_at(RawService *service)
	{
		VerifyOp verify{DigestAlgorithm::crc32c, 64, digests_.data()};
		return until_taken_by(service, [&] {
			return try_verify(verify, 0, 100, service->key(1));
		});
	}

	/*
	 * Makes an answer with this many digests, and bad blocks of these
	 * indices.
	 */
	static std::vector<uint8_t> verified(uint16_t digests,
					     const std::vector<uint16_t> &bad,
					     size_t extra = 0)
	{
		size_t body = digests * 4u +
			      bad.size() * sizeof(wire::BadBlock) + extra;
		auto head = wire::make<wire::Verified>(2, 0, 0, body);
		head.digests = digests;
		head.bad = static_cast<uint16_t>(bad.size());
		std::vector<uint8_t> bytes = bytes_of(head);
		bytes.resize(sizeof(head) + digests * 4u, 0x11);
		for (uint16_t index : bad) {
			wire::BadBlock one{};
			one.index = index;
			auto more = bytes_of(one);
			bytes.insert(bytes.end(), more.begin(), more.end());
		}
		bytes.resize(bytes.size() + extra);
		return bytes;
	}

	OpResult verify_answered(std::vector<uint8_t> answer)
	{
		RawService service(
			*transport_,
			proper_until_request([&](const uint8_t *, size_t) {
				return answer;
			}));
		EXPECT_EQ(verify_at(&service), 0);
		return wait_with(&service);
	}

	ssize_t checked_commit_to(RawService *service)
	{
		return until_taken_by(service, [&] {
			return try_submit(checked(kCommit), &value_,
					  sizeof(value_), 0, service->key(1));
		});
	}

	/*
	 * Returns the cause for a checked write whose comparison is answered in
	 * this way.
	 */
	Cause comparison_answered(const std::vector<uint8_t> &answer)
	{
		RawService service(
			*transport_,
			proper_until_request([&](const uint8_t *, size_t) {
				return answer;
			}));
		EXPECT_EQ(checked_commit_to(&service), 0);
		return wait_with(&service).failure.cause;
	}

	OpResult wait_with(RawService *service)
	{
		auto deadline = Clock::now() + kPatience;
		while (owner_.results.empty() && Clock::now() < deadline) {
			service->poll();
			initiator_->progress();
		}
		return wait();
	}

	/* The commit must fail because the channel was given up. */
	void expect_lost(RawService::Answer answer)
	{
		RawService service(*transport_, proper_until_request(answer));
		ASSERT_EQ(commit_to(&service), 0);
		OpResult result = wait_with(&service);
		EXPECT_NE(result.failure.err, 0);
		EXPECT_EQ(result.failure.cause, Cause::connection_lost);
	}

	uint64_t value_ = 42;
	std::array<uint8_t, 8> digests_{};
};

} // namespace

TEST_F(HostileService, OfAnotherVersionIsAnErrorAtTheCall)
{
	RawService service(*transport_, [](const uint8_t *, size_t) {
		auto ack = good_hello_ack();
		ack.header.version = wire::kVersion + 1;
		ack.min_version = wire::kVersion + 1;
		ack.max_version = wire::kVersion + 2;
		return bytes_of(ack);
	});
	EXPECT_EQ(commit_to(&service), -FI_ENOPROTOOPT);
}

TEST_F(HostileService, OfAnOlderVersionCannotVerify)
{
	RawService service(*transport_, [](const uint8_t *bytes, size_t) {
		wire::Header header{};
		std::memcpy(&header, bytes, sizeof(header));
		if (header.type == wire::Type::hello) {
			auto ack = good_hello_ack();
			ack.min_version = wire::kMinVersion;
			ack.max_version = wire::kMinVersion;
			return bytes_of(ack);
		}
		auto region = good_region(header.sequence);
		region.digests = 0; /* reserved there */
		return bytes_of(region);
	});
	EXPECT_EQ(verify_at(&service), -FI_EOPNOTSUPP);
	EXPECT_EQ(checked_commit_to(&service), -FI_EOPNOTSUPP);
}

TEST_F(HostileService, WithOtherDigestsCannotVerify)
{
	RawService service(*transport_, [](const uint8_t *bytes, size_t) {
		wire::Header header{};
		std::memcpy(&header, bytes, sizeof(header));
		if (header.type == wire::Type::hello)
			return bytes_of(good_hello_ack());
		auto region = good_region(header.sequence);
		region.digests = static_cast<uint8_t>(
			~(digest_bit(DigestAlgorithm::crc32c) |
			  digest_bit(DigestAlgorithm::xxh3_64)));
		return bytes_of(region);
	});
	EXPECT_EQ(verify_at(&service), -FI_EOPNOTSUPP);
	EXPECT_EQ(checked_commit_to(&service), -FI_EOPNOTSUPP);
}

TEST_F(HostileService, ComparisonsAreTakenAsTheyWereAskedFor)
{
	auto answered = [](uint16_t digests, const std::vector<uint16_t> &bad,
			   size_t extra = 0) {
		auto bytes = verified(digests, bad, extra);
		wire::Header header{};
		std::memcpy(&header, bytes.data(), sizeof(header));
		header.sequence = 3;
		std::memcpy(bytes.data(), &header, sizeof(header));
		return bytes;
	};
	EXPECT_EQ(comparison_answered(answered(0, {})), Cause::none);
	EXPECT_EQ(comparison_answered(answered(0, {0})), Cause::bad_blocks);
	for (const auto &nonsense :
	     {answered(1, {}), answered(0, {1}), answered(0, {0, 0}),
	      answered(0, {}, 1), bytes_of(wire::make<wire::Ack>(3, 0))}) {
		EXPECT_EQ(comparison_answered(nonsense),
			  Cause::connection_lost);
	}
}

TEST_F(HostileService, DigestsAreTakenAsTheyWereAskedFor)
{
	EXPECT_EQ(verify_answered(verified(2, {})).failure.err, 0);
	EXPECT_EQ(digests_[0] & digests_[7], 0x11);
	OpResult bad = verify_answered(verified(2, {0, 1}));
	EXPECT_EQ(bad.failure.cause, Cause::bad_blocks);
	const std::vector<std::vector<uint8_t>> nonsense{
		verified(0, {}),
		verified(1, {}),
		verified(3, {}),
		verified(2, {2}),
		verified(2, {1, 0}),
		verified(2, {1, 1}),
		verified(2, {}, 1),
		verified(2, {0}, 40),
		bytes_of(wire::make<wire::Data>(2, 0)),
	};
	for (const auto &answer : nonsense) {
		EXPECT_EQ(verify_answered(answer).failure.cause,
			  Cause::connection_lost);
	}
}

TEST_F(HostileService, WithDigestsNobodyAskedForIsGivenUp)
{
	expect_lost([](const uint8_t *, size_t) { return verified(0, {}); });
}

TEST_F(HostileService, WithoutTheMagicOrWithSillyLimitsIsAnErrorAtTheCall)
{
	auto with = [&](std::function<void(wire::HelloAck *)> change) {
		RawService service(*transport_, [&](const uint8_t *, size_t) {
			auto ack = good_hello_ack();
			change(&ack);
			return bytes_of(ack);
		});
		EXPECT_EQ(commit_to(&service), -EPROTO);
	};
	with([](wire::HelloAck *ack) { ack->magic = 1; });
	with([](wire::HelloAck *ack) { ack->credits = 0; });
	with([](wire::HelloAck *ack) { ack->credits = UINT32_MAX; });
	with([](wire::HelloAck *ack) { ack->max_payload = 1; });
	with([](wire::HelloAck *ack) { ack->header.length = 7; });
}

TEST_F(HostileService, ThatNeverAnswersTheGreetingTimesOut)
{
	service_.reset(); /* its thread reads the parameters */
	set_param("FI_OFI_PMEM_CONNECT_TIMEOUT_MS", "300");
	RawService service(*transport_, [](const uint8_t *, size_t) {
		return std::vector<uint8_t>{};
	});
	EXPECT_EQ(commit_to(&service), -FI_ETIMEDOUT);
}

TEST_F(HostileService, ThatAcknowledgesWhatWasNotAskedIsGivenUp)
{
	for (uint64_t sequence :
	     {uint64_t{0}, uint64_t{1}, uint64_t{3}, UINT64_MAX})
		expect_lost([sequence](const uint8_t *, size_t) {
			return bytes_of(wire::make<wire::Ack>(sequence, 0));
		});
}

TEST_F(HostileService, ThatAnswersAWriteWithDataOrARegionIsGivenUp)
{
	expect_lost([](const uint8_t *, size_t) {
		return bytes_of(wire::make<wire::Data>(2, 0));
	});
	expect_lost([](const uint8_t *, size_t) {
		return bytes_of(good_region(2));
	});
}

TEST_F(HostileService, ThatFetchesMoreOrLessThanAskedIsGivenUp)
{
	for (size_t size : {size_t{0}, size_t{7}, size_t{9}, size_t{60000}}) {
		RawService service(
			*transport_,
			proper_until_request([size](const uint8_t *, size_t) {
				auto data = bytes_of(
					wire::make<wire::Data>(2, 0, 0, size));
				data.resize(data.size() + size, 0xff);
				return data;
			}));
		ASSERT_EQ(fetch_from(&service), 0);
		OpResult result = wait_with(&service);
		EXPECT_EQ(result.failure.cause, Cause::connection_lost);
		EXPECT_EQ(value_, 42u);
	}
}

TEST_F(HostileService, ThatAcknowledgesAFetchWithoutItsDataIsGivenUp)
{
	RawService service(*transport_,
			   proper_until_request([](const uint8_t *, size_t) {
				   return bytes_of(wire::make<wire::Ack>(2, 0));
			   }));
	ASSERT_EQ(fetch_from(&service), 0);
	EXPECT_EQ(wait_with(&service).failure.cause, Cause::connection_lost);
}

TEST_F(HostileService, ThatSendsNonsenseIsGivenUp)
{
	expect_lost([](const uint8_t *, size_t) {
		return std::vector<uint8_t>(5, 0xff);
	});
	expect_lost([](const uint8_t *, size_t) {
		return std::vector<uint8_t>(5000, 0xff);
	});
}

TEST_F(HostileService, WhoseRegionWrapsTheAddressSpaceIsGivenUp)
{
	int regions = 0;
	RawService service(*transport_, [&](const uint8_t *bytes, size_t) {
		wire::Header header{};
		std::memcpy(&header, bytes, sizeof(header));
		if (header.type == wire::Type::hello)
			return bytes_of(good_hello_ack());
		auto region = good_region(header.sequence);
		region.length = UINT64_MAX;
		regions++;
		return bytes_of(region);
	});
	/* Each call that must connect for it learns so, and none hangs. */
	EXPECT_EQ(commit_to(&service), -EPROTO);
	EXPECT_EQ(commit_to(&service), -EPROTO);
	EXPECT_EQ(regions, 2);
}

TEST_F(HostileService, ThatLosesACommitFailsTheNextFencedCommitToThePeer)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	expect_lost([](const uint8_t *, size_t) {
		return std::vector<uint8_t>(64, 0);
	});
	Call fenced;
	fenced.level = Level::commit;
	fenced.fence = true;
	EXPECT_EQ(submit(fenced, &value_, 8, 0, key), -FI_ECONNABORTED);
	EXPECT_EQ(medium.count("store"), 0u);
	ASSERT_EQ(submit(fenced, &value_, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

TEST_F(HostileService, DoesNotDisturbAnotherChannel)
{
	FakeMedium &medium = media_.emplace_back(kRegionLen);
	uint64_t key = add_region(&medium);
	expect_lost([](const uint8_t *, size_t) {
		return std::vector<uint8_t>(64, 0);
	});
	Call commit;
	commit.level = Level::commit;
	ASSERT_EQ(submit(commit, &value_, 8, 0, key), 0);
	EXPECT_EQ(wait().failure.err, 0);
}

} // namespace ofi_pmem::test
