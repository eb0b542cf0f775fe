/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The digests are those that other programs compute, however the bytes come. */
#include "config.h"

#include "digest/digest.hh"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rdma/fi_errno.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace ofi_pmem::test
{

namespace
{

using Bytes = std::vector<uint8_t>;

constexpr auto kNoAlgorithm = static_cast<DigestAlgorithm>(0);

Bytes pattern(size_t size)
{
	Bytes bytes(size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = static_cast<uint8_t>(i * 131 + (i >> 8) * 7);
	return bytes;
}

/*
 * The digests are from xxhsum and sha256sum; the CRCs were computed bit by bit
 * from their polynomials.
 */
struct Known {
	DigestAlgorithm algorithm;
	const char *of_nothing;
	const char *of_nine; /* "123456789" */
	const char *of_pattern;
};
constexpr size_t kPatternSize = 10007;
const Known known[] = {
	{DigestAlgorithm::crc32c, "00000000", "e3069283", "fca9ab81"},
	{DigestAlgorithm::crc64_nvme, "0000000000000000", "ae8b14860a799888",
	 "f421d47e6e309b76"},
	{DigestAlgorithm::crc64_ecma, "0000000000000000", "995dc9bbdf1939fa",
	 "c309abf4e8391969"},
	{DigestAlgorithm::crc16_t10dif, "0000", "d0db", "3951"},
	{DigestAlgorithm::xxh3_64, "2d06800538d394c2", "72dcb18b67a17dff",
	 "cd71e2102d8637be"},
	{DigestAlgorithm::xxh3_128, "99aa06d3014798d86001c324468d497f",
	 "33119477ede5dcd5e9716427681d5860",
	 "e2bc3a45a9710636cd71e2102d8637be"},
	{DigestAlgorithm::sha256,
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	 "b557a5b3d32c98d9c5a45ae866f647f55413a905a26de21156a25e8b887072e7"},
};

std::vector<DigestAlgorithm> openable()
{
	std::vector<DigestAlgorithm> found;
	for (auto algorithm : kDigestAlgorithms) {
		if (open_digest(algorithm))
			found.push_back(algorithm);
	}
	return found;
}

/* Three pages of which the middle one may be accessed. */
class GuardedPage
{
public:
	GuardedPage()
		: map_(static_cast<uint8_t *>(
			  mmap(nullptr, 3 * size_, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
	{
		EXPECT_EQ(mprotect(begin(), size_, PROT_READ | PROT_WRITE), 0);
	}
	~GuardedPage() { munmap(map_, 3 * size_); }

	uint8_t *begin() const { return map_ + size_; }
	uint8_t *end() const { return begin() + size_; }

private:
	const size_t size_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	uint8_t *const map_;
};

#ifdef __x86_64__
/* Looks at the vector registers that SSE instructions use, too. */
bool upper_halves_are_zero()
{
	alignas(32) uint8_t registers[16][32];
	asm volatile(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, "
		     "14, 15\n"
		     "vmovdqa %%ymm\\n, 32 * \\n(%0)\n"
		     ".endr"
		     :
		     : "r"(registers)
		     : "memory");
	for (const auto &one : registers) {
		if (std::any_of(one + 16, one + 32,
				[](uint8_t byte) { return byte; }))
			return false;
	}
	return true;
}
#endif

} // namespace

class DigestTest : public testing::TestWithParam<DigestAlgorithm>
{
protected:
	Digest of(const void *data, size_t size)
	{
		engine_->update(data, size);
		return engine_->finish();
	}
	Digest of(const Bytes &bytes) { return of(bytes.data(), bytes.size()); }

	const std::unique_ptr<DigestEngine> engine_ = open_digest(GetParam());
	const Bytes pattern_ = pattern(kPatternSize);
};

TEST_P(DigestTest, IsWhatOthersCompute)
{
	for (const auto &one : known) {
		if (one.algorithm != GetParam())
			continue;
		EXPECT_EQ(to_string(engine_->finish()), one.of_nothing);
		EXPECT_EQ(to_string(of("123456789", 9)), one.of_nine);
		EXPECT_EQ(to_string(of(pattern_)), one.of_pattern);
		return;
	}
	FAIL() << "no known digests";
}

TEST_P(DigestTest, HasTheLengthThatIsAnnounced)
{
	EXPECT_EQ(engine_->finish().length, digest_length(GetParam()));
}

TEST_P(DigestTest, AnySplitGivesTheSame)
{
	Digest whole = of(pattern_);
	std::mt19937_64 random(1);
	for (int round = 0; round < 200; round++) {
		size_t at = 0;
		size_t longest = 1 + random() % pattern_.size();
		while (at < pattern_.size()) {
			size_t part = std::min<size_t>(random() % (longest + 1),
						       pattern_.size() - at);
			engine_->update(pattern_.data() + at, part);
			at += part;
		}
		ASSERT_EQ(engine_->finish(), whole) << "round " << round;
	}
}

TEST_P(DigestTest, ByteByByteGivesTheSameForEveryLength)
{
	for (size_t size = 0; size <= 1100; size++) {
		for (size_t i = 0; i < size; i++)
			engine_->update(&pattern_[i], 1);
		Digest split = engine_->finish();
		ASSERT_EQ(of(pattern_.data(), size), split) << size;
	}
}

TEST_P(DigestTest, AlignmentDoesNotMatter)
{
	Digest whole = of(pattern_);
	Bytes shifted(pattern_.size() + 64);
	for (size_t shift = 0; shift < 64; shift++) {
		std::copy(pattern_.begin(), pattern_.end(),
			  shifted.begin() + static_cast<ptrdiff_t>(shift));
		ASSERT_EQ(of(&shifted[shift], pattern_.size()), whole) << shift;
	}
}

TEST_P(DigestTest, ReadsNothingBesideItsBytes)
{
	GuardedPage page;
	for (size_t size = 1; size <= 700; size++) {
		memcpy(page.begin(), pattern_.data(), size);
		Digest first = of(page.begin(), size);
		memcpy(page.end() - size, pattern_.data(), size);
		ASSERT_EQ(of(page.end() - size, size), first) << size;
	}
}

TEST_P(DigestTest, StartsAnewAfterFinishAndReset)
{
	Digest whole = of(pattern_);
	EXPECT_EQ(of(pattern_), whole);
	engine_->update("other bytes", 11);
	engine_->reset();
	EXPECT_EQ(of(pattern_), whole);
}

TEST_P(DigestTest, NoBytesMayBeNowhere)
{
	Digest nothing = engine_->finish();
	engine_->update(nullptr, 0);
	EXPECT_EQ(engine_->finish(), nothing);
	engine_->update(pattern_.data(), 100);
	engine_->update(nullptr, 0);
	Digest split = engine_->finish();
	EXPECT_EQ(of(pattern_.data(), 100), split);
}

TEST_P(DigestTest, OneBitMakesAnother)
{
	Digest whole = of(pattern_);
	std::mt19937_64 random(1);
	for (int round = 0; round < 100; round++) {
		Bytes damaged = pattern_;
		damaged[random() % damaged.size()] ^=
			static_cast<uint8_t>(1 << random() % 8);
		ASSERT_NE(of(damaged), whole);
	}
}

TEST_P(DigestTest, EnginesDoNotShareBytes)
{
	auto other = open_digest(GetParam());
	engine_->update(pattern_.data(), 1000);
	other->update("other bytes", 11);
	engine_->update(&pattern_[1000], pattern_.size() - 1000);
	Digest interleaved = engine_->finish();
	EXPECT_EQ(interleaved, of(pattern_));
	EXPECT_EQ(other->finish(), of("other bytes", 11));
}

TEST_P(DigestTest, LeavesNoUpperHalvesInUse)
{
#ifdef __x86_64__
	if (!__builtin_cpu_supports("avx"))
		GTEST_SKIP() << "the processor has none";
	engine_->update(pattern_.data(), pattern_.size());
	EXPECT_TRUE(upper_halves_are_zero());
#else
	GTEST_SKIP() << "of x86 only";
#endif
}

INSTANTIATE_TEST_SUITE_P(Algorithms, DigestTest, testing::ValuesIn(openable()),
			 [](const auto &param) {
				 return std::string(to_string(param.param));
			 });

/* ISA-L counts the bytes of a CRC-32C in an int. */
TEST(Digest, Crc32cOfMoreBytesThanAnIntCounts)
{
	constexpr size_t kPart = size_t{1} << 20;
	constexpr size_t kSize = (size_t{1} << 32) + 3 * kPart + 7;
	void *zeros = mmap(nullptr, kSize, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(zeros, MAP_FAILED);
	auto engine = open_digest(DigestAlgorithm::crc32c);
	engine->update(zeros, kSize);
	Digest at_once = engine->finish();
	for (size_t at = 0; at < kSize; at += kPart)
		engine->update(zeros, std::min(kPart, kSize - at));
	EXPECT_EQ(engine->finish(), at_once);
	munmap(zeros, kSize);
}

TEST(Digest, EveryAlgorithmIsAvailableButWhatIsaLLacks)
{
	DigestMask all = 0;
	for (auto algorithm : kDigestAlgorithms)
		all |= digest_bit(algorithm);
	EXPECT_EQ(all, 0xfeu);
#if !HAVE_DECL_CRC64_ROCKSOFT_REFL
	all &= ~digest_bit(DigestAlgorithm::crc64_nvme);
#endif
	EXPECT_EQ(available_digests(), all);
}

TEST(Digest, WhatOpenSslRefusesIsNotAvailable)
{
	ASSERT_EQ(EVP_set_default_properties(nullptr, "provider=nobody"), 1);
	bool refused = !open_digest(DigestAlgorithm::sha256);
	DigestMask available = available_digests();
	ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
	EXPECT_TRUE(refused);
	EXPECT_FALSE(available & digest_bit(DigestAlgorithm::sha256));
	EXPECT_TRUE(open_digest(DigestAlgorithm::sha256));
}

TEST(Digest, AFailedOneEqualsNothing)
{
	Digest failed;
	EXPECT_FALSE(failed == failed);
	EXPECT_TRUE(failed != failed);
	EXPECT_EQ(to_string(failed), "");
}

TEST(Digest, OneThatIsLongerIsAnother)
{
	Digest shorter;
	shorter.length = 4;
	Digest longer;
	longer.length = 8;
	EXPECT_NE(shorter, longer);
	longer.length = 4;
	EXPECT_EQ(shorter, longer);
	longer.bytes[4] = 1; /* behind its end */
	EXPECT_EQ(shorter, longer);
}

TEST(Digest, NamesAreReadAsTheyAreWritten)
{
	for (auto algorithm : kDigestAlgorithms) {
		auto read = kNoAlgorithm;
		EXPECT_EQ(parse_digest_algorithm(to_string(algorithm), &read),
			  0);
		EXPECT_EQ(read, algorithm);
	}
	for (const char *name : {"", "unknown", "crc32", "CRC32C", "xxh3 "}) {
		auto read = kNoAlgorithm;
		EXPECT_EQ(parse_digest_algorithm(name, &read), -FI_EINVAL);
		EXPECT_EQ(read, kNoAlgorithm);
	}
}

TEST(Digest, WhatIsNoAlgorithmIsNone)
{
	for (int value : {0, 8, 31, 32, 64, 255}) {
		auto algorithm = static_cast<DigestAlgorithm>(value);
		EXPECT_FALSE(open_digest(algorithm));
		EXPECT_EQ(digest_length(algorithm), 0u);
		EXPECT_STREQ(to_string(algorithm), "unknown");
		EXPECT_FALSE(available_digests() & digest_bit(algorithm));
	}
}

TEST(Digest, MasksAreListsOfNames)
{
	EXPECT_EQ(digest_names(0), "none");
	EXPECT_EQ(digest_names(0x22), "crc32c, xxh3");
	EXPECT_EQ(digest_names(0xfe),
		  "crc32c, crc64nvme, crc64ecma, crc16t10dif, xxh3, xxh128, "
		  "sha256");
	EXPECT_EQ(digest_names(0xffffff01), "none");
	EXPECT_EQ(digest_names(0xffffff81), "sha256");
}

} // namespace ofi_pmem::test
