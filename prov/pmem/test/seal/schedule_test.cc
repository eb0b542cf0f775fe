/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* HKDF is that of RFC 5869; nothing that is derived is the same as another. */
#include "seal/schedule.hh"

#include "seal/seal_fixture.hh"

#include <set>

namespace ofi_pmem::test
{

namespace
{

/* RFC 5869, appendix A. */
void expect_hkdf(const char *key, const char *salt, const char *info,
		 const char *prk, const char *out)
{
	Bytes key_bytes = from_hex(key);
	Bytes salt_bytes = from_hex(salt);
	Bytes info_bytes = from_hex(info);
	Bytes expected = from_hex(out);
	Hash extracted;
	ASSERT_TRUE(hkdf_extract(salt_bytes.data(), salt_bytes.size(),
				 key_bytes.data(), key_bytes.size(),
				 &extracted));
	EXPECT_EQ(to_hex(extracted.data(), extracted.size()), prk);
	Bytes expanded(expected.size());
	ASSERT_TRUE(hkdf_expand(extracted, info_bytes.data(), info_bytes.size(),
				expanded.data(), expanded.size()));
	EXPECT_EQ(expanded, expected);
}

TEST(SealHkdf, IsThatOfRfc5869Case1)
{
	expect_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		    "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		    "077709362c2e32df0ddc3f0dc47bba63"
		    "90b6c73bb50f9c3122ec844ad7c2b3e5",
		    "3cb25f25faacd57a90434f64d0362f2a"
		    "2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		    "34007208d5b887185865");
}

TEST(SealHkdf, IsThatOfRfc5869Case2)
{
	expect_hkdf("000102030405060708090a0b0c0d0e0f"
		    "101112131415161718191a1b1c1d1e1f"
		    "202122232425262728292a2b2c2d2e2f"
		    "303132333435363738393a3b3c3d3e3f"
		    "404142434445464748494a4b4c4d4e4f",
		    "606162636465666768696a6b6c6d6e6f"
		    "707172737475767778797a7b7c7d7e7f"
		    "808182838485868788898a8b8c8d8e8f"
		    "909192939495969798999a9b9c9d9e9f"
		    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
		    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
		    "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
		    "e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
		    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		    "06a6b88c5853361a06104c9ceb35b45c"
		    "ef760014904671014a193f40c15fc244",
		    "b11e398dc80327a1c8e7f78c596a4934"
		    "4f012eda2d4efad8a050cc4c19afa97c"
		    "59045a99cac7827271cb41c65e590e09"
		    "da3275600c2f09b8367793a9aca3db71"
		    "cc30c58179ec3e87c14c01d5c1f3434f"
		    "1d87");
}

TEST(SealHkdf, IsThatOfRfc5869Case3)
{
	expect_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		    "19ef24a32c717b167f33a91d6f648bdf"
		    "96596776afdb6377ac434c1c293ccb04",
		    "8da4e775a563c18f715f802a063c5a31"
		    "b8a11f5c5ee1879ec3454e5f3c738d2d"
		    "9d201395faa4b61a96c8");
}

TEST(SealHash, IsSha256)
{
	Hash hash;
	ASSERT_TRUE(sha256("abc", 3, &hash));
	EXPECT_EQ(to_hex(hash.data(), hash.size()),
		  "ba7816bf8f01cfea414140de5dae2223"
		  "b00361a396177a9cb410ff61f20015ad");
}

/* All that one connection derives, in hexadecimal. */
std::set<std::string> derived(const RegionKey &key, const Hash &th)
{
	std::set<std::string> all;
	Schedule schedule;
	EXPECT_TRUE(schedule.open(key, th));
	TrafficSecret secret;
	auto note = [&all](const Hash &bytes) {
		EXPECT_TRUE(
			all.insert(to_hex(bytes.data(), bytes.size())).second);
	};
	for (Side side : {Side::initiator, Side::target}) {
		Hash proof;
		EXPECT_TRUE(schedule.prove(side, &proof));
		note(proof);
		EXPECT_TRUE(schedule.traffic(side, &secret));
		for (int phase = 0; phase < 3; phase++) {
			note(secret.bytes);
			TrafficKey traffic;
			EXPECT_TRUE(derive_key(secret, key.cipher(), &traffic));
			EXPECT_TRUE(all.insert(to_hex(traffic.key,
						      sizeof(traffic.key)))
					    .second);
			EXPECT_TRUE(all.insert(to_hex(traffic.iv,
						      sizeof(traffic.iv)))
					    .second);
			EXPECT_TRUE(next_secret(&secret));
		}
	}
	EXPECT_TRUE(schedule.exporter(&secret));
	note(secret.bytes);
	return all;
}

TEST(SealSchedule, GivesNothingTwice)
{
	std::set<std::string> all;
	size_t count = 0;
	auto key = make_key(Cipher::aes_256_gcm);
	for (size_t bit = 0; bit <= 256; bit++) {
		Hash th = counting_hash(0x80);
		if (bit < 256)
			th[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
		auto some = derived(*key, th);
		count += some.size();
		all.insert(some.begin(), some.end());
	}
	EXPECT_EQ(all.size(), count);
}

/* The hash of what was said has the random numbers of both sides. */
TEST(SealSchedule, DependsOnTheRandomNumbersOfBothSides)
{
	auto key = make_key(Cipher::aes_256_gcm);
	std::set<std::string> all;
	size_t count = 0;
	for (int which = 0; which < 3; which++) {
		Bytes said = counting(64);
		if (which)
			said[which == 1 ? 0 : 63] ^= 1;
		Hash th;
		ASSERT_TRUE(sha256(said.data(), said.size(), &th));
		auto some = derived(*key, th);
		count += some.size();
		all.insert(some.begin(), some.end());
	}
	EXPECT_EQ(all.size(), count);
}

TEST(SealSchedule, DependsOnEachBitOfTheKey)
{
	std::set<std::string> all;
	size_t count = 0;
	const CipherTraits &cipher = *cipher_traits(Cipher::aes_128_gcm);
	for (size_t bit = 0; bit <= 128; bit++) {
		Bytes bytes = counting(16);
		if (bit < 128)
			bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
		RegionKey key(1, cipher, {});
		ASSERT_EQ(key.secret().assign(bytes.data(), bytes.size()), 0);
		auto some = derived(key, counting_hash(0));
		count += some.size();
		all.insert(some.begin(), some.end());
	}
	EXPECT_EQ(all.size(), count);
}

TEST(SealSchedule, AProofIsForOneSideOnly)
{
	Schedule schedule;
	Hash proof;
	ASSERT_TRUE(schedule.open(*make_key(Cipher::aes_128_gcm),
				  counting_hash(1)));
	ASSERT_TRUE(schedule.prove(Side::initiator, &proof));
	EXPECT_TRUE(schedule.proven(Side::initiator, proof));
	EXPECT_FALSE(schedule.proven(Side::target, proof));
	for (size_t bit = 0; bit < 256; bit++) {
		Hash other = proof;
		other[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
		EXPECT_FALSE(schedule.proven(Side::initiator, other)) << bit;
	}
}

TEST(SealSchedule, IsNotOpenedWithARemovedKey)
{
	auto key = make_key(Cipher::aes_128_gcm);
	key->remove();
	Schedule schedule;
	Hash proof{};
	TrafficSecret secret;
	EXPECT_FALSE(schedule.open(*key, counting_hash(1)));
	EXPECT_FALSE(schedule.prove(Side::target, &proof));
	EXPECT_FALSE(schedule.proven(Side::target, proof));
	EXPECT_FALSE(schedule.traffic(Side::target, &secret));
	EXPECT_FALSE(schedule.exporter(&secret));
}

/* python3 computes these; see seal/decode.py. */
TEST(SealSchedule, IsThatOfTheWorkedExample)
{
	Schedule schedule;
	Hash proof;
	ASSERT_TRUE(schedule.open(*make_key(Cipher::aes_256_gcm),
				  counting_hash(0x80)));
	ASSERT_TRUE(schedule.prove(Side::initiator, &proof));
	EXPECT_EQ(to_hex(proof.data(), proof.size()),
		  "2011b4de340e424c34de29df9e51d2d2"
		  "65ba60a4b814419b0b5ce13a933f440b");
	ASSERT_TRUE(schedule.prove(Side::target, &proof));
	EXPECT_EQ(to_hex(proof.data(), proof.size()),
		  "b2c5b5a5b1b73cb6837d701535e3de13"
		  "f879c251caa6082e1e82a914d312c6f0");
}

} // namespace

} // namespace ofi_pmem::test
