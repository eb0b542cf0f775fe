/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The ciphers give what their publications say, however the bytes come. */
#include "seal/cipher.hh"

#include "seal/seal_fixture.hh"

#include <algorithm>

namespace ofi_pmem::test
{

namespace
{

/*
 * AES-GCM: McGrew and Viega's specification, test cases 4 and 16. AES-CCM:
 * NIST's CAVP, VNT128 and VNT256, count 50. ChaCha20-Poly1305: RFC 8439, 2.8.2.
 */
struct Known {
	Cipher cipher;
	const char *key;
	const char *nonce;
	const char *aad;
	const char *plain;
	const char *sealed;
	const char *tag;
};
constexpr char kGcmPlain[] =
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
constexpr char kGcmAad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr char kGcmNonce[] = "cafebabefacedbaddecaf888";
constexpr char kRfc8439Plain[] =
	"4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
	"73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
	"6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
	"637265656e20776f756c642062652069742e";
const Known known[] = {
	{Cipher::aes_128_gcm, "feffe9928665731c6d6a8f9467308308", kGcmNonce,
	 kGcmAad, kGcmPlain,
	 "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	 "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	 "5bc94fbc3221a5db94fae95ae7121a47"},
	{Cipher::aes_256_gcm,
	 "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	 kGcmNonce, kGcmAad, kGcmPlain,
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	 "76fc6ece0f4e1768cddf8853bb2d551b"},
	{Cipher::aes_128_ccm, "005e8f4d8e0cbf4e1ceeb5d87a275848",
	 "0ec3ac452b547b9062aac8fa",
	 "2f1821aa57e5278ffd33c17d46615b77363149dbc98470413f6543a6b749f2ca",
	 "b6f345204526439daf84998f380dcfb4b4167c959c04ff65",
	 "9575e16f35da3c88a19c26a7b762044f4d7bbbafeff05d75",
	 "4829e2a7752fa3a14890972884b511d8"},
	{Cipher::aes_256_ccm,
	 "d6ff67379a2ead2ca87aa4f29536258f9fb9fc2e91b0ed18e7b9f5df332dd1dc",
	 "2f1d0717a822e20c7cd28f0a",
	 "d50741d34c8564d92f396b97be782923ff3c855ea9757bde419f632c83997630",
	 "98626ffc6c44f13c964e7fcb7d16e988990d6d063d012d33",
	 "50e22db70ac2bab6d6af7059c90d00fbf0fb52eee5eb650e",
	 "08aca7dec636170f481dcb9fefb85c05"},
	{Cipher::chacha20_poly1305,
	 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
	 "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", kRfc8439Plain,
	 "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
	 "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
	 "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	 "3ff4def08e4b7a9de576d26586cec64b6116",
	 "1ae10b594f09e26a7e902ecbd0600691"},
};

class KnownAnswer : public ::testing::TestWithParam<Known>
{
protected:
	void SetUp() override
	{
		ASSERT_NE(traits_, nullptr);
		ASSERT_EQ(key_.size(), traits_->key_bytes);
		ASSERT_EQ(nonce_.size(), kNonceBytes);
		open(CipherContext::Direction::seal);
	}

	void open(CipherContext::Direction direction)
	{
		ASSERT_TRUE(context_.open(*traits_, direction, key_.data()));
	}

	bool seal_once(std::vector<iovec> pieces)
	{
		return context_.seal(nonce_.data(), aad_.data(), aad_.size(),
				     pieces.data(), pieces.size(),
				     plain_.size(), out_.data(), tag_);
	}

	/* To it the bytes are in pieces of the same length. */
	std::vector<iovec> in_pieces(size_t len)
	{
		std::vector<iovec> pieces;
		for (size_t at = 0; at < plain_.size(); at += len)
			pieces.push_back({plain_.data() + at,
					  std::min(len, plain_.size() - at)});
		return pieces;
	}

	void expect_known()
	{
		EXPECT_EQ(to_hex(out_), GetParam().sealed);
		EXPECT_EQ(to_hex(tag_, sizeof(tag_)), GetParam().tag);
	}

	bool unseal_once(Bytes *bytes)
	{
		Bytes tag = from_hex(GetParam().tag);
		return context_.unseal(nonce_.data(), aad_.data(), aad_.size(),
				       bytes->data(), bytes->size(),
				       tag.data());
	}

	const CipherTraits *const traits_ = cipher_traits(GetParam().cipher);
	Bytes key_ = from_hex(GetParam().key);
	Bytes nonce_ = from_hex(GetParam().nonce);
	Bytes aad_ = from_hex(GetParam().aad);
	Bytes plain_ = from_hex(GetParam().plain);
	Bytes out_ = Bytes(plain_.size());
	uint8_t tag_[kTagBytes] = {};
	CipherContext context_;
};

TEST_P(KnownAnswer, IsSealed)
{
	ASSERT_TRUE(seal_once(in_pieces(plain_.size())));
	expect_known();
}

TEST_P(KnownAnswer, IsTheSameAgainAndAfterAMove)
{
	ASSERT_TRUE(seal_once(in_pieces(plain_.size())));
	ASSERT_TRUE(seal_once(in_pieces(plain_.size())));
	expect_known();
	CipherContext moved(std::move(context_));
	context_ = std::move(moved);
	ASSERT_TRUE(seal_once(in_pieces(plain_.size())));
	expect_known();
}

TEST_P(KnownAnswer, IsSealedInPlace)
{
	out_ = plain_;
	ASSERT_TRUE(seal_once({{out_.data(), out_.size()}}));
	expect_known();
}

TEST_P(KnownAnswer, IsSealedFromPieces)
{
	if (traits_->reads_twice) {
		EXPECT_FALSE(seal_once(in_pieces(16)));
		return;
	}
	for (size_t len : {1, 3, 15, 16, 17, 33}) {
		out_.assign(out_.size(), 0);
		auto pieces = in_pieces(len);
		/* A piece of nothing is none. */
		pieces.insert(pieces.begin() + 1, iovec{nullptr, 0});
		ASSERT_TRUE(seal_once(pieces)) << len;
		expect_known();
	}
}

TEST_P(KnownAnswer, IsOpened)
{
	open(CipherContext::Direction::open);
	for (int i = 0; i < 2; i++) {
		Bytes bytes = from_hex(GetParam().sealed);
		ASSERT_TRUE(unseal_once(&bytes));
		EXPECT_EQ(bytes, plain_);
	}
}

TEST_P(KnownAnswer, IsNotOpenedWithAnythingElse)
{
	open(CipherContext::Direction::open);
	for (Bytes *part : {&nonce_, &aad_}) {
		part->back() ^= 1;
		Bytes bytes = from_hex(GetParam().sealed);
		EXPECT_FALSE(unseal_once(&bytes));
		part->back() ^= 1;
	}
	key_.back() ^= 1;
	open(CipherContext::Direction::open);
	Bytes bytes = from_hex(GetParam().sealed);
	EXPECT_FALSE(unseal_once(&bytes));
}

TEST_P(KnownAnswer, NeedsAllBytes)
{
	iovec most{plain_.data(), plain_.size() - 1};
	EXPECT_FALSE(seal_once({most}));
}

INSTANTIATE_TEST_SUITE_P(Seal, KnownAnswer, ::testing::ValuesIn(known));

TEST(SealCipher, HasAName)
{
	for (Cipher cipher : kAllCiphers) {
		const CipherTraits *traits = cipher_traits(cipher);
		ASSERT_NE(traits, nullptr);
		EXPECT_EQ(traits->cipher, cipher);
		EXPECT_EQ(cipher_traits(traits->name), traits);
	}
	EXPECT_EQ(cipher_traits("aes-256-cbc"), nullptr);
	EXPECT_EQ(cipher_traits(""), nullptr);
	EXPECT_EQ(cipher_traits(static_cast<Cipher>(0)), nullptr);
	EXPECT_EQ(cipher_traits(static_cast<Cipher>(6)), nullptr);
}

/* The limits of the CFRG's draft. */
TEST(SealCipher, HasLimits)
{
	EXPECT_EQ(cipher_traits(Cipher::aes_256_gcm)->max_blocks, 1ull << 34);
	EXPECT_EQ(cipher_traits(Cipher::aes_256_gcm)->max_records, 1ull << 32);
	EXPECT_EQ(cipher_traits(Cipher::aes_128_ccm)->max_blocks, 1ull << 32);
	EXPECT_EQ(cipher_traits(Cipher::aes_128_ccm)->max_records, 1ull << 30);
	EXPECT_EQ(cipher_traits(Cipher::chacha20_poly1305)->max_records,
		  1ull << 48);
}

TEST(SealCipher, DoesNothingBeforeItHasAKey)
{
	CipherContext context;
	uint8_t bytes[32] = {};
	iovec one{bytes, 1};
	EXPECT_FALSE(context.seal(bytes, bytes, 8, &one, 1, 1, bytes, bytes));
	EXPECT_FALSE(context.unseal(bytes, bytes, 8, bytes, 1, bytes));
}

} // namespace

} // namespace ofi_pmem::test
