/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The worked example in example.txt is what this code seals. decode.py opens
 * the same file with other libraries; see seal_decode_test.sh.
 */
#include "seal/seal_fixture.hh"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace ofi_pmem::test
{

namespace
{

/* One direction of a connection, with two phases. */
std::string example_of(Cipher cipher, Side sender)
{
	const CipherTraits &traits = *cipher_traits(cipher);
	Hash key = counting_hash(0);
	/* What was said names the cipher, so that it is never the same. */
	auto first = static_cast<uint8_t>(0x80 + static_cast<uint8_t>(cipher));
	Hash th = counting_hash(first);
	std::ostringstream text;
	text << "\ncipher " << traits.name << "\nkey "
	     << to_hex(key.data(), traits.key_bytes) << "\nth "
	     << to_hex(th.data(), th.size()) << "\ndirection "
	     << (sender == Side::initiator ? "i2t" : "t2i") << "\n";
	SealedStream stream(make_key(cipher), PhaseLimits{UINT64_MAX, 2, 2}, "",
			    first, sender);
	for (size_t len : {1, 16, 40}) {
		Bytes plain = counting(len, len);
		text << "record " << to_hex(stream.seal(plain)) << "\nplain "
		     << to_hex(plain) << "\n";
	}
	return text.str();
}

std::string example()
{
	std::string text =
		"# Sealed records; see prov/pmem/src/seal/record.hh. Here a "
		"traffic key is\n# renewed after two records.\n";
	for (Cipher cipher : kAllCiphers) {
		for (Side sender : {Side::initiator, Side::target})
			text += example_of(cipher, sender);
	}
	return text;
}

/* What is on the wire and in others' decoders must not change by mistake. */
TEST(SealExample, IsThatOfTheFile)
{
	const char *source = std::getenv("srcdir");
	std::ifstream file(std::string(source ? source : "../..") +
			   "/prov/pmem/test/seal/example.txt");
	ASSERT_TRUE(file);
	std::ostringstream text;
	text << file.rdbuf();
	EXPECT_EQ(text.str(), example());
}

/* AES-256-GCM, from the initiator, the first record: one byte, 01. */
TEST(SealExample, BeginsWithThisRecord)
{
	SealedStream stream(make_key(Cipher::aes_256_gcm));
	EXPECT_EQ(to_hex(stream.seal({1})),
		  "010000000100000062b299644c87bf47fb2f53ecad84c12e43");
}

} // namespace

} // namespace ofi_pmem::test
