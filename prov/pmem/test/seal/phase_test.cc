/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Traffic keys are renewed before they have sealed too much, and run out. */
#include "core/params.hh"
#include "seal/record.hh"
#include "seal/seal_fixture.hh"

#include <rdma/fi_errno.h>

#include <cerrno>
#include <cstdlib>

namespace ofi_pmem::test
{

namespace
{

constexpr uint64_t kAny = UINT64_MAX;

class SealPhase : public ::testing::TestWithParam<Cipher>
{
protected:
	/* Sends one record and returns its phase, or -1. */
	static int exchange(SealedStream *stream, size_t len = 10)
	{
		Bytes plain = counting(len);
		Bytes record = stream->seal(plain);
		if (record.empty())
			return -1;
		EXPECT_EQ(stream->unseal(record), plain);
		return record[1];
	}

	std::shared_ptr<RegionKey> key_ = make_key(GetParam());
};

TEST_P(SealPhase, IsRenewedAfterSoManyRecords)
{
	SealedStream stream(key_, PhaseLimits{kAny, 100, 1 << 16});
	for (int i = 0; i < 350; i++)
		EXPECT_EQ(exchange(&stream), i / 100) << i;
}

/* A record of 10 bytes takes a block, and its header and tag two. */
TEST_P(SealPhase, IsRenewedAfterSoManyBlocks)
{
	SealedStream stream(key_, PhaseLimits{10, kAny, 1 << 16});
	for (int i = 0; i < 12; i++)
		EXPECT_EQ(exchange(&stream), i / 3) << i;
	EXPECT_EQ(exchange(&stream, 16 * 8), 4);
	EXPECT_EQ(exchange(&stream, 1), 5);
	/* One that takes more than a phase may is refused. */
	EXPECT_EQ(exchange(&stream, 16 * 8 + 1), -1);
	EXPECT_EQ(stream.refusal, -FI_EKEYREJECTED);
}

TEST_P(SealPhase, NumberTravelsInEightBits)
{
	SealedStream stream(key_, PhaseLimits{kAny, 1, 1 << 16});
	for (int i = 0; i < 1000; i++)
		EXPECT_EQ(exchange(&stream), i % 256) << i;
}

TEST_P(SealPhase, HasALast)
{
	SealedStream stream(key_, PhaseLimits{kAny, 2, 3});
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(exchange(&stream), i / 2);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(exchange(&stream), -1);
		EXPECT_EQ(stream.refusal, -FI_EKEYREJECTED);
	}
}

TEST_P(SealPhase, OfAForgedRecordIsNotEntered)
{
	SealedStream stream(key_, PhaseLimits{kAny, 1, 1 << 16});
	EXPECT_EQ(exchange(&stream), 0);
	Bytes record = stream.seal(counting(10));
	ASSERT_EQ(record[1], 1);
	record.back() ^= 1;
	EXPECT_TRUE(stream.unseal(record).empty());
	EXPECT_EQ(stream.refusal, -EBADMSG);
	record.back() ^= 1;
	EXPECT_TRUE(stream.unseal(record).empty());
}

TEST_P(SealPhase, IsNotSkipped)
{
	SealedStream stream(key_, PhaseLimits{kAny, 1, 1 << 16});
	EXPECT_EQ(exchange(&stream), 0);
	static_cast<void>(stream.seal(counting(10)));
	EXPECT_TRUE(stream.unseal(stream.seal(counting(10))).empty());
	EXPECT_EQ(stream.refusal, -EBADMSG);
}

/* Otherwise nobody would see that the last record is missing. */
TEST_P(SealPhase, IsNotEnteredWithoutTheLastRecordOfTheOneBefore)
{
	SealedStream stream(key_, PhaseLimits{kAny, 2, 1 << 16});
	EXPECT_EQ(exchange(&stream), 0);
	static_cast<void>(stream.seal(counting(10)));
	Bytes next = stream.seal(counting(10));
	ASSERT_EQ(next[1], 1);
	EXPECT_TRUE(stream.unseal(next).empty());
	EXPECT_EQ(stream.refusal, -EBADMSG);
}

TEST_P(SealPhase, DoesNotGoBack)
{
	SealedStream stream(key_, PhaseLimits{kAny, 2, 1 << 16});
	EXPECT_EQ(exchange(&stream), 0);
	Bytes last = stream.seal(counting(10));
	EXPECT_EQ(stream.unseal(last), counting(10));
	EXPECT_EQ(exchange(&stream), 1);
	EXPECT_TRUE(stream.unseal(last).empty());
	EXPECT_EQ(stream.refusal, -EBADMSG);
}

TEST_P(SealPhase, WithoutANewKeyIsRefused)
{
	SealedStream stream(key_);
	Bytes record = stream.seal(counting(10));
	record[1] = 1;
	EXPECT_TRUE(stream.unseal(record).empty());
}

/* A peer that goes on with one key is refused, whatever it proves. */
TEST_P(SealPhase, IsLimitedAtTheReceiver)
{
	SealedStream stream(key_);
	Opener strict(key_, {kAny, 3, 2});
	Opener narrow(key_, {7, kAny, 2});
	Schedule schedule;
	TrafficSecret secret;
	ASSERT_TRUE(schedule.open(*key_, counting_hash(0x80)));
	ASSERT_TRUE(schedule.traffic(Side::initiator, &secret));
	ASSERT_TRUE(strict.open(secret));
	ASSERT_TRUE(narrow.open(secret));
	for (int i = 0; i < 4; i++) {
		Bytes record = stream.seal(counting(10));
		Bytes same = record;
		EXPECT_EQ(strict.unseal(record.data()), i < 3 ? 10 : -EBADMSG);
		EXPECT_EQ(narrow.unseal(same.data()), i < 2 ? 10 : -EBADMSG);
	}
}

TEST_P(SealPhase, IsLimitedInNumberAtTheReceiver)
{
	SealedStream stream(key_, PhaseLimits{kAny, 1, 1 << 16});
	Opener strict(key_, {kAny, kAny, 2});
	Schedule schedule;
	TrafficSecret secret;
	ASSERT_TRUE(schedule.open(*key_, counting_hash(0x80)));
	ASSERT_TRUE(schedule.traffic(Side::initiator, &secret));
	ASSERT_TRUE(strict.open(secret));
	for (int i = 0; i < 3; i++) {
		Bytes record = stream.seal(counting(10));
		EXPECT_EQ(strict.unseal(record.data()), i < 2 ? 10 : -EBADMSG);
	}
}

INSTANTIATE_TEST_SUITE_P(Seal, SealPhase, ::testing::ValuesIn(kAllCiphers));

TEST(SealPhases, AreAsManyAsTheWireSays)
{
	SealedStream stream(make_key(Cipher::aes_128_gcm),
			    PhaseLimits{kAny, 1, RecordKey::kMaxPhases});
	Bytes plain = counting(1);
	for (uint32_t i = 0; i < RecordKey::kMaxPhases; i++)
		ASSERT_EQ(stream.unseal(stream.seal(plain)), plain) << i;
	EXPECT_TRUE(stream.seal(plain).empty());
	EXPECT_EQ(stream.refusal, -FI_EKEYREJECTED);
}

TEST(SealPhases, AreShorterIfTheEnvironmentSaysSo)
{
	setenv("FI_OFI_PMEM_SEAL_ROLL_RECORDS", "2", 1);
	ASSERT_EQ(load_params(), 0);
	auto key = make_key(Cipher::aes_128_gcm);
	Sealer sealer(key);
	unsetenv("FI_OFI_PMEM_SEAL_ROLL_RECORDS");
	ASSERT_EQ(load_params(), 0);
	Schedule schedule;
	TrafficSecret secret;
	ASSERT_TRUE(schedule.open(*key, counting_hash(1)));
	ASSERT_TRUE(schedule.traffic(Side::initiator, &secret));
	ASSERT_TRUE(sealer.open(secret));
	for (int i = 0; i < 6; i++) {
		Bytes plain = counting(1);
		Bytes record(sealed_length(1));
		iovec one{plain.data(), 1};
		ASSERT_EQ(sealer.seal(&one, 1, 1, record.data()), 0);
		EXPECT_EQ(record[1], i / 2);
	}
}

TEST(SealPhases, AreByDefaultTheCiphers)
{
	for (Cipher cipher : kAllCiphers) {
		const CipherTraits &traits = *cipher_traits(cipher);
		PhaseLimits limits = RecordKey::limits_of(traits);
		EXPECT_EQ(limits.max_blocks, traits.max_blocks);
		EXPECT_EQ(limits.max_records, traits.max_records);
		EXPECT_EQ(limits.max_phases, 1u << 16);
	}
}

} // namespace

} // namespace ofi_pmem::test
