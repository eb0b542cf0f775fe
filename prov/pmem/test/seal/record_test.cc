/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What is sealed is opened; what is changed, left out, repeated, exchanged or
 * cut off is not, and neither is anything after it.
 */
#include "seal/record.hh"

#include "seal/seal_fixture.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem::test
{

namespace
{

class SealRecord : public ::testing::TestWithParam<Cipher>
{
protected:
	SealedStream stream_{make_key(GetParam())};
};

TEST_P(SealRecord, IsOpenedWhateverItsLength)
{
	for (size_t len : {1, 15, 16, 17, 4096, 65535, 65536}) {
		Bytes plain = counting(len, len);
		Bytes record = stream_.seal(plain);
		ASSERT_EQ(record.size(), sealed_length(len));
		EXPECT_EQ(record_length(record.data()), record.size());
		EXPECT_EQ(stream_.unseal(record), plain);
	}
}

TEST_P(SealRecord, IsGatheredFromManyBuffers)
{
	for (size_t len : {1, 15, 16, 17, 4096, 65535, 65536}) {
		Bytes plain = counting(len);
		std::vector<iovec> pieces{{nullptr, 0}};
		size_t piece = 1;
		for (size_t at = 0; at < len;
		     at += piece, piece = piece * 2 + 1)
			pieces.push_back(
				{plain.data() + at, std::min(piece, len - at)});
		Bytes record(sealed_length(len));
		ASSERT_EQ(stream_.sealer.seal(pieces.data(), pieces.size(), len,
					      record.data()),
			  0);
		EXPECT_EQ(stream_.unseal(record), plain);
	}
}

TEST_P(SealRecord, TakesNoMoreThanItsLength)
{
	Bytes plain = counting(100);
	std::vector<iovec> pieces{{plain.data(), 40}, {plain.data() + 40, 60}};
	Bytes record(sealed_length(50));
	ASSERT_EQ(stream_.sealer.seal(pieces.data(), 2, 50, record.data()), 0);
	EXPECT_EQ(stream_.unseal(record), counting(50));
}

TEST_P(SealRecord, OfTheSameBytesIsNeverTheSame)
{
	Bytes plain = counting(64);
	Bytes first = stream_.seal(plain);
	Bytes second = stream_.seal(plain);
	EXPECT_NE(Bytes(first.begin() + kRecordHeader, first.end()),
		  Bytes(second.begin() + kRecordHeader, second.end()));
}

TEST_P(SealRecord, HasNothingOfThePlaintext)
{
	Bytes plain = counting(4096);
	Bytes record = stream_.seal(plain);
	for (size_t at = 0; at + 8 <= plain.size(); at += 8)
		EXPECT_EQ(std::search(record.begin(), record.end(),
				      plain.begin() + at,
				      plain.begin() + at + 8),
			  record.end());
}

TEST_P(SealRecord, IsRefusedWithAnyBitChanged)
{
	Bytes plain = counting(33);
	Bytes record = SealedStream(make_key(GetParam())).seal(plain);
	for (size_t bit = 0; bit < record.size() * 8; bit++) {
		/* A longer one is longer in memory, too. */
		Bytes changed = record;
		changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
		changed.resize(kMaxRecord);
		SealedStream stream(make_key(GetParam()));
		EXPECT_TRUE(stream.unseal(changed).empty()) << bit;
		EXPECT_EQ(stream.refusal, -EBADMSG) << bit;
		/* The right one is too late. */
		EXPECT_TRUE(stream.unseal(record).empty()) << bit;
		EXPECT_EQ(stream.refusal, -EBADMSG) << bit;
	}
}

TEST_P(SealRecord, ThatIsRefusedLeavesNoPlaintext)
{
	Bytes record = stream_.seal(counting(64));
	record.back() ^= 1;
	EXPECT_EQ(stream_.opener.unseal(record.data()), -EBADMSG);
	EXPECT_EQ(record, Bytes(record.size()));
}

TEST_P(SealRecord, IsRefusedAfterOneThatIsMissing)
{
	static_cast<void>(stream_.seal(counting(10)));
	EXPECT_TRUE(stream_.unseal(stream_.seal(counting(10))).empty());
	EXPECT_EQ(stream_.refusal, -EBADMSG);
}

TEST_P(SealRecord, IsRefusedASecondTime)
{
	Bytes record = stream_.seal(counting(10));
	EXPECT_EQ(stream_.unseal(record), counting(10));
	EXPECT_TRUE(stream_.unseal(record).empty());
	EXPECT_EQ(stream_.refusal, -EBADMSG);
}

TEST_P(SealRecord, IsRefusedBeforeItsTurn)
{
	Bytes first = stream_.seal(counting(10));
	Bytes second = stream_.seal(counting(10, 1));
	EXPECT_TRUE(stream_.unseal(second).empty());
	EXPECT_TRUE(stream_.unseal(first).empty());
	EXPECT_EQ(stream_.refusal, -EBADMSG);
}

/* The length is changed to what is left, as bytes after it are the next. */
TEST_P(SealRecord, IsRefusedIfItIsCutOff)
{
	for (size_t len = 1; len < 40; len++) {
		SealedStream stream(make_key(GetParam()));
		Bytes record = stream.seal(counting(40));
		record[4] = static_cast<uint8_t>(len);
		EXPECT_TRUE(stream.unseal(record).empty()) << len;
	}
}

TEST_P(SealRecord, IsRefusedInAnotherConnectionOrDirection)
{
	auto key = make_key(GetParam());
	SealedStream other(key, "", 0x81);
	SealedStream back(key, "", 0x80, Side::target);
	Bytes record = stream_.seal(counting(10));
	EXPECT_TRUE(other.unseal(record).empty());
	EXPECT_TRUE(back.unseal(record).empty());
	EXPECT_EQ(stream_.unseal(record), counting(10));
}

TEST_P(SealRecord, IsNeitherSealedNorOpenedWithARemovedKey)
{
	auto key = make_key(GetParam());
	SealedStream stream(key);
	Bytes record = stream.seal(counting(10));
	key->remove();
	EXPECT_TRUE(stream.seal(counting(10)).empty());
	EXPECT_EQ(stream.refusal, -FI_EKEYREJECTED);
	EXPECT_TRUE(stream.unseal(record).empty());
	EXPECT_EQ(stream.refusal, -FI_EKEYREJECTED);
}

TEST_P(SealRecord, OfAnotherLengthIsNotSealed)
{
	for (size_t len : {size_t{0}, kMaxPlain + 1}) {
		SealedStream stream(make_key(GetParam()));
		EXPECT_TRUE(stream.seal(counting(len)).empty());
		EXPECT_EQ(stream.refusal, -FI_EINVAL);
	}
	Bytes plain = counting(10);
	Bytes record(kMaxRecord);
	iovec one{plain.data(), plain.size()};
	EXPECT_EQ(stream_.sealer.seal(&one, 1, 11, record.data()), -FI_EINVAL);
	EXPECT_EQ(stream_.sealer.seal(&one, 1, 10, record.data()), -FI_EINVAL);
}

TEST_P(SealRecord, IsNotSealedBeforeThereIsAKey)
{
	Sealer sealer(make_key(GetParam()));
	Opener opener(make_key(GetParam()));
	Bytes plain = counting(10);
	Bytes record(kMaxRecord);
	iovec one{plain.data(), plain.size()};
	EXPECT_LT(sealer.seal(&one, 1, 10, record.data()), 0);
	Bytes other = stream_.seal(plain);
	EXPECT_LT(opener.unseal(other.data()), 0);
}

TEST_P(SealRecord, CountsForItsKey)
{
	auto key = make_key(GetParam(), 1, {1000, 0});
	SealedStream stream(key);
	Bytes record = stream.seal(counting(100));
	EXPECT_EQ(key->bytes_left(), 900u);
	EXPECT_EQ(stream.unseal(record).size(), 100u);
	EXPECT_EQ(key->bytes_left(), 800u);
	record.back() ^= 1;
	EXPECT_TRUE(stream.unseal(record).empty());
	EXPECT_EQ(key->bytes_left(), 800u);
}

/* Upper layers begin nothing new with it; what is under way must end. */
TEST_P(SealRecord, IsSealedWithAnExhaustedKey)
{
	auto key = make_key(GetParam(), 1, {0, 1});
	SealedStream stream(key);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(stream.unseal(stream.seal(counting(9))), counting(9));
	EXPECT_TRUE(key->exhausted());
}

INSTANTIATE_TEST_SUITE_P(Seal, SealRecord, ::testing::ValuesIn(kAllCiphers));

TEST(SealRecordHeader, TellsTheLength)
{
	EXPECT_EQ(sealed_length(0), 0u);
	EXPECT_EQ(sealed_length(1), 1 + kRecordOverhead);
	EXPECT_EQ(sealed_length(kMaxPlain), kMaxRecord);
	EXPECT_EQ(sealed_length(kMaxPlain + 1),
		  kMaxPlain + 1 + 2 * kRecordOverhead);
	auto length = [](const char *header) {
		return record_length(from_hex(header).data());
	};
	EXPECT_EQ(length("0100000001000000"), 1 + kRecordOverhead);
	EXPECT_EQ(length("01ff000000000100"), kMaxRecord);
	EXPECT_EQ(length("0100000000000000"), 0u);
	EXPECT_EQ(length("0100000001000100"), 0u);
	EXPECT_EQ(length("0100000001000001"), 0u);
	EXPECT_EQ(length("0000000001000000"), 0u);
	EXPECT_EQ(length("0200000001000000"), 0u);
	EXPECT_EQ(length("0100010001000000"), 0u);
	EXPECT_EQ(length("0100000101000000"), 0u);
}

} // namespace

} // namespace ofi_pmem::test
