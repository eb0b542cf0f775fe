/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A file of keys is taken as a whole, or refused by the number of a line. */
#include "seal/key_file.hh"

#include "fixture/persist_fixture.hh"
#include "seal/seal_fixture.hh"

#include <arpa/inet.h>
#include <sys/stat.h>

namespace ofi_pmem::test
{

namespace
{

const std::string kHex16 = "00112233445566778899aabbccddeeff";
const std::string kHex32 = kHex16 + "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
const std::string kGood = "1 aes-128-gcm " + kHex16;

IpAddress address(const char *text)
{
	sockaddr_in6 six{};
	sockaddr_in four{};
	IpAddress found;
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
		four.sin_family = AF_INET;
		EXPECT_TRUE(found.assign(&four, sizeof(four)));
	} else {
		EXPECT_EQ(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
		six.sin6_family = AF_INET6;
		EXPECT_TRUE(found.assign(&six, sizeof(six)));
	}
	return found;
}

class SealKeyFile : public ::testing::Test
{
protected:
	/* Returns why it is refused; empty if it is not. */
	std::string parse(const std::string &text, uint64_t only = 0)
	{
		std::string why;
		bool good = parse_keys(text.data(), text.size(), only, &ring_,
				       &why);
		EXPECT_EQ(good, why.empty());
		return why;
	}

	/* A line that is refused names its number, and no part of itself. */
	void expect_refused(const std::string &line, const std::string &because)
	{
		std::string why = parse("# first\n\n" + line + "\n" +
					"9 aes-128-gcm " + kHex16 + "\n");
		EXPECT_EQ(why.compare(0, 8, "line 3: "), 0) << why;
		EXPECT_NE(why.find(because), why.npos) << why;
		EXPECT_EQ(why.find("0011"), why.npos) << why;
		EXPECT_EQ(why.find("ccdd"), why.npos) << why;
		EXPECT_TRUE(ring_.empty());
	}

	uint64_t default_id()
	{
		auto key = ring_.choose(1, address("203.0.113.9"));
		return key ? key->id() : 0;
	}

	KeyRing ring_;
};

TEST_F(SealKeyFile, HasAKeyInEachLine)
{
	EXPECT_EQ(parse("# a comment\n"
			"\n"
			"  \t\n" +
			kGood + "\n0xFf\taes-256-ccm  " + kHex32 +
			" region=/mnt/pmem \n"
			"18446744073709551615 chacha20-poly1305 " +
			kHex32 + " host=192.0.2.1 max=10G\n"),
		  "");
	ASSERT_NE(ring_.find(1), nullptr);
	ASSERT_NE(ring_.find(255), nullptr);
	ASSERT_NE(ring_.find(UINT64_MAX), nullptr);
	EXPECT_TRUE(
		ring_.find(1)->secret().equals(from_hex(kHex16).data(), 16));
	EXPECT_TRUE(
		ring_.find(255)->secret().equals(from_hex(kHex32).data(), 32));
	EXPECT_EQ(ring_.find(255)->cipher().cipher, Cipher::aes_256_ccm);
	EXPECT_EQ(ring_.find(UINT64_MAX)->limits().max_bytes, 10ull << 30);
	EXPECT_EQ(ring_.find(UINT64_MAX)->limits().max_records, 0u);
	EXPECT_EQ(ring_.find(1)->limits().max_bytes, 0u);
}

TEST_F(SealKeyFile, SaysWhichKeyIsForWhat)
{
	EXPECT_EQ(parse(kGood + "\n2 aes-128-gcm " + kHex16 +
			" region=/a host=192.0.2.1\n3 aes-128-gcm " + kHex16 +
			" host=2001:db8::1\n4 aes-128-gcm " + kHex16 +
			" region=/a/b\n"),
		  "");
	EXPECT_EQ(ring_.choose_path("/a/c"), 2u);
	EXPECT_EQ(ring_.choose_path("/a/b/c"), 4u);
	EXPECT_EQ(ring_.choose_path("/b"), 1u);
	EXPECT_EQ(ring_.choose(1, address("192.0.2.1"))->id(), 2u);
	EXPECT_EQ(ring_.choose(1, address("2001:db8::1"))->id(), 3u);
	EXPECT_EQ(default_id(), 1u);
}

TEST_F(SealKeyFile, OfOneIdIsTheDefault)
{
	std::string text = kGood + "\n2 aes-128-gcm " + kHex16 +
			   " region=/a\n3 aes-128-gcm " + kHex16 +
			   " region=/b\n";
	EXPECT_EQ(parse(text, 2), "");
	EXPECT_EQ(ring_.find(1), nullptr);
	EXPECT_EQ(ring_.find(3), nullptr);
	EXPECT_EQ(default_id(), 2u);
	EXPECT_EQ(ring_.choose_path("/a/c"), 2u);
	EXPECT_EQ(parse(text, 5), "no line has id 5");
	/* Another key is the default then. */
	EXPECT_EQ(parse(text, 3), "");
	EXPECT_EQ(default_id(), 3u);
}

TEST_F(SealKeyFile, MayHaveSeveralDefaultsIfOneIsNamed)
{
	std::string two =
		"1 aes-128-gcm " + kHex16 + "\n2 aes-128-gcm " + kHex16 + "\n";
	EXPECT_NE(parse(two), "");
	EXPECT_EQ(parse(two, 2), "");
	ASSERT_TRUE(ring_.choose(0, address("10.0.0.1")));
	EXPECT_EQ(ring_.choose(0, address("10.0.0.1"))->id(), 2u);
	EXPECT_FALSE(ring_.find(1));
}

TEST_F(SealKeyFile, EndsItsLinesAsItLikes)
{
	EXPECT_EQ(parse("# comment\r\n\r\n" + kGood + "\r\n2 aes-128-ccm " +
			kHex16 + " region=/a\r\n3 aes-128-gcm " + kHex16 +
			" region=/b"),
		  "");
	EXPECT_NE(ring_.find(1), nullptr);
	EXPECT_EQ(ring_.choose_path("/a/c"), 2u);
	EXPECT_EQ(ring_.choose_path("/b/c"), 3u);
}

TEST_F(SealKeyFile, MayBeEmpty)
{
	for (const char *text : {"", "\n", "#", "# a\n# b", " \t\n\r\n"})
		EXPECT_EQ(parse(text), "");
	EXPECT_TRUE(ring_.empty());
	EXPECT_EQ(parse("", 1), "no line has id 1");
}

TEST_F(SealKeyFile, HasIdsFromOneOn)
{
	for (const char *id :
	     {"0", "0x0", "0x", "-1", "+1", "1x", "x", "18446744073709551616",
	      "0x10000000000000000", "00112233445566778899aabbccddeeff"})
		expect_refused(std::string(id) + " aes-128-gcm " + kHex16,
			       "id");
}

TEST_F(SealKeyFile, HasKnownCiphers)
{
	for (const char *cipher : {"aes-128-cbc", "AES-128-GCM", ""})
		expect_refused("1 " + std::string(cipher) + " " + kHex16,
			       "ciphers are");
	expect_refused("1", "ciphers are");
	expect_refused("1 " + kHex16 + " aes-128-gcm", "ciphers are");
}

TEST_F(SealKeyFile, HasHexadecimalKeys)
{
	for (std::string hex :
	     {std::string(), kHex16.substr(1), kHex16 + "0", kHex32,
	      "g" + kHex16.substr(1), kHex16.substr(1) + "/",
	      kHex16.substr(1) + ":", kHex16.substr(1) + "@",
	      kHex16.substr(1) + "`", kHex16.substr(1) + "\xff",
	      "0x" + kHex16.substr(2)})
		expect_refused("1 aes-128-gcm " + hex, "32 hexadecimal");
	expect_refused("1 aes-256-gcm " + kHex16, "64 hexadecimal");
	expect_refused("1 chacha20-poly1305 " + kHex16, "64 hexadecimal");
}

TEST_F(SealKeyFile, HasALimitThatIsANumber)
{
	for (const char *size :
	     {"", "0", "-1", "1k", "K", "1KB", "1.5G", "0K", "0x10",
	      "18446744073709551616", "16777216T", "1P"})
		expect_refused(kGood + " max=" + size, "max=");
	expect_refused(kGood + " max=1 max=1", "twice");
	EXPECT_EQ(parse(kGood + " max=16777215T"), "");
	EXPECT_EQ(ring_.find(1)->limits().max_bytes, 16777215ull << 40);
}

TEST_F(SealKeyFile, SuffixesArePowersOf1024)
{
	EXPECT_EQ(parse("1 aes-128-gcm " + kHex16 +
			" region=/1 max=3\n2 aes-128-gcm " + kHex16 +
			" region=/2 max=3K\n3 aes-128-gcm " + kHex16 +
			" region=/3 max=3M\n"),
		  "");
	EXPECT_EQ(ring_.find(1)->limits().max_bytes, 3u);
	EXPECT_EQ(ring_.find(2)->limits().max_bytes, 3u << 10);
	EXPECT_EQ(ring_.find(3)->limits().max_bytes, 3u << 20);
}

TEST_F(SealKeyFile, HasNoOtherOptions)
{
	for (std::string option :
	     {std::string("color=blue"), std::string("region"),
	      std::string("REGION=/a"), std::string("# comment"), kHex16})
		expect_refused(kGood + " " + option, "options are");
	for (const char *path : {"region=", "region=a"})
		expect_refused(kGood + " " + path, "region=");
	expect_refused(kGood + " region=/a region=/b", "twice");
	for (const char *where : {"host=", "host=localhost", "host=1.2.3.4.5",
				  "host=192.0.2.1:80", "host=fe80::g"})
		expect_refused(kGood + " " + where, "host=");
	expect_refused(kGood + " host=192.0.2.1 host=192.0.2.2", "twice");
	expect_refused(kGood + std::string(" host=192.0.2.1\0x", 18), "host=");
}

TEST_F(SealKeyFile, HasEachIdAndUseOnce)
{
	EXPECT_EQ(
		parse(kGood + "\n\n0x1 aes-128-gcm " + kHex16 + " region=/a\n"),
		"line 3: line 1 has the same id");
	EXPECT_EQ(parse(kGood + "\n2 aes-128-gcm " + kHex16),
		  "line 2: line 1 has a key for the same use");
	EXPECT_EQ(parse(kGood + " region=/a\n2 aes-128-gcm " + kHex16 +
			" host=192.0.2.1 region=/a"),
		  "line 2: line 1 has a key for the same use");
	EXPECT_EQ(parse(kGood + " host=192.0.2.1\n2 aes-128-gcm " + kHex16 +
			" host=192.0.2.1 region=/a"),
		  "line 2: line 1 has a key for the same use");
	EXPECT_TRUE(ring_.empty());
}

TEST_F(SealKeyFile, AddsAllOrNone)
{
	ASSERT_EQ(parse("2 aes-128-gcm " + kHex16 + " region=/old"), "");
	/* The last one contradicts what is there. */
	EXPECT_EQ(parse(kGood + "\n2 aes-128-ccm " + kHex16 + " region=/a"),
		  "line 2: there is another key with its id");
	EXPECT_EQ(ring_.find(1), nullptr);
	EXPECT_EQ(default_id(), 0u);
	ASSERT_NE(ring_.find(2), nullptr);
	EXPECT_FALSE(ring_.find(2)->removed());
	EXPECT_EQ(ring_.choose_path("/old/file"), 2u);
	/* The same once more changes nothing. */
	EXPECT_EQ(parse("2 aes-128-gcm " + kHex16 + " region=/old"), "");
}

TEST_F(SealKeyFile, IsReadUnderTheRulesOfTheAuthKey)
{
	TempDir dir;
	std::string path = dir.file("keys");
	std::string why;
	auto read = [&] {
		why.clear();
		return read_key_file(path.c_str(), 0, &ring_, &why);
	};
	EXPECT_FALSE(read());
	EXPECT_NE(why, "");
	std::ofstream(path) << kGood << "\n";
	for (mode_t mode : {0644, 0660, 0604, 0602}) {
		ASSERT_EQ(chmod(path.c_str(), mode), 0);
		EXPECT_FALSE(read());
		EXPECT_NE(why.find("chmod 600"), why.npos) << why;
	}
	EXPECT_TRUE(ring_.empty());
	ASSERT_EQ(chmod(path.c_str(), 0600), 0);
	EXPECT_TRUE(read()) << why;
	EXPECT_NE(ring_.find(1), nullptr);
}

TEST_F(SealKeyFile, MayBeLongButNotEndless)
{
	TempDir dir;
	std::string path = dir.file("keys");
	std::ofstream file(path);
	for (int i = 1; i <= 1000; i++)
		file << i << " aes-256-gcm " << kHex32 << " region=/" << i
		     << "\n";
	file.flush();
	ASSERT_EQ(chmod(path.c_str(), 0600), 0);
	std::string why;
	EXPECT_TRUE(read_key_file(path.c_str(), 0, &ring_, &why)) << why;
	EXPECT_NE(ring_.find(1000), nullptr);
	file << std::string(1 << 20, '#');
	file.close();
	EXPECT_FALSE(read_key_file(path.c_str(), 0, &ring_, &why));
	EXPECT_NE(why.find("1048576"), why.npos) << why;
}

} // namespace

} // namespace ofi_pmem::test
