/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A region key's bytes are kept safe, and what it may seal is counted. */
#include "seal/region_key.hh"

#include "fixture/persist_fixture.hh"
#include "seal/seal_fixture.hh"

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

namespace ofi_pmem::test
{

namespace
{

std::shared_ptr<RegionKey> limited(uint64_t max_bytes, uint64_t max_records)
{
	return make_key(Cipher::aes_128_gcm, 42, {max_bytes, max_records});
}

TEST(SealSecret, IsCompared)
{
	Secret secret;
	Bytes bytes = counting(32);
	EXPECT_FALSE(secret.equals(bytes.data(), 32));
	ASSERT_EQ(secret.assign(bytes.data(), 32), 0);
	EXPECT_EQ(secret.size(), 32u);
	EXPECT_TRUE(secret.equals(bytes.data(), 32));
	EXPECT_FALSE(secret.equals(bytes.data(), 31));
	bytes[31] ^= 1;
	EXPECT_FALSE(secret.equals(bytes.data(), 32));
	ASSERT_EQ(secret.assign(bytes.data(), 32), 0);
	EXPECT_TRUE(secret.equals(bytes.data(), 32));
}

TEST(SealSecret, IsGoneWhenItIsWiped)
{
	Secret secret;
	Bytes bytes = counting(32);
	ASSERT_EQ(secret.assign(bytes.data(), 32), 0);
	secret.wipe();
	EXPECT_EQ(secret.size(), 0u);
	EXPECT_FALSE(secret.copy(bytes.data(), 32));
	EXPECT_FALSE(secret.copy(bytes.data(), 0));
	EXPECT_FALSE(secret.equals(bytes.data(), 0));
	secret.wipe();
}

TEST(SealSecret, HasALength)
{
	Secret secret;
	Bytes bytes = counting(Secret::kMaxLength + 1);
	EXPECT_EQ(secret.assign(bytes.data(), 0), -FI_EINVAL);
	EXPECT_EQ(secret.assign(bytes.data(), bytes.size()), -FI_EINVAL);
}

/* Returns the size of all memory that has a flag, in KiB (proc(5), smaps). */
size_t flagged_kib(const std::string &flag)
{
	size_t all = 0;
	size_t size = 0;
	std::ifstream maps("/proc/self/smaps");
	for (std::string line; std::getline(maps, line);) {
		std::istringstream words(line);
		std::string one;
		words >> one;
		if (one == "Size:")
			words >> size;
		if (one != "VmFlags:")
			continue;
		while (words >> one)
			all += one == flag ? size : 0;
	}
	return all;
}

TEST(SealSecret, IsNeitherDumpedNorInherited)
{
	size_t dumped = flagged_kib("dd");
	size_t wiped = flagged_kib("wf");
	Secret secret;
	Bytes bytes = counting(32);
	ASSERT_EQ(secret.assign(bytes.data(), 32), 0);
	size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 1024;
	EXPECT_EQ(flagged_kib("dd"), dumped + page);
	EXPECT_EQ(flagged_kib("wf"), wiped + page);
}

TEST(SealSecret, MayBeWipedWhileOthersReadIt)
{
	Secret secret;
	Bytes bytes = counting(32);
	ASSERT_EQ(secret.assign(bytes.data(), 32), 0);
	std::atomic<bool> reading{false};
	std::thread reader([&] {
		Bytes copy(32);
		while (secret.copy(copy.data(), copy.size())) {
			EXPECT_EQ(copy, bytes);
			reading = true;
		}
	});
	while (!reading)
		std::this_thread::yield();
	secret.wipe();
	reader.join();
}

TEST(SealRegionKey, WithoutLimitsIsNeverExhausted)
{
	auto key = limited(0, 0);
	key->count(SIZE_MAX);
	key->count(SIZE_MAX);
	EXPECT_TRUE(key->usable());
	EXPECT_EQ(key->bytes_left(), UINT64_MAX);
}

TEST(SealRegionKey, IsExhaustedByBytes)
{
	auto key = limited(100, 0);
	key->count(99);
	EXPECT_TRUE(key->usable());
	EXPECT_EQ(key->bytes_left(), 1u);
	key->count(50);
	EXPECT_TRUE(key->exhausted());
	EXPECT_FALSE(key->usable());
	EXPECT_EQ(key->bytes_left(), 0u);
}

TEST(SealRegionKey, IsExhaustedByRecords)
{
	auto key = limited(0, 2);
	key->count(1);
	EXPECT_TRUE(key->usable());
	EXPECT_EQ(key->bytes_left(), UINT64_MAX);
	key->count(1);
	EXPECT_FALSE(key->usable());
	EXPECT_EQ(key->bytes_left(), 0u);
}

TEST(SealRegionKey, IsNotUsableWhenItIsRemoved)
{
	auto key = limited(0, 0);
	key->remove();
	EXPECT_TRUE(key->removed());
	EXPECT_FALSE(key->usable());
	EXPECT_FALSE(key->exhausted());
	EXPECT_EQ(key->secret().size(), 0u);
}

TEST(SealRegionKey, IsCountedByManyThreads)
{
	auto key = limited(1 << 20, 0);
	std::vector<std::thread> threads;
	for (int i = 0; i < 4; i++)
		threads.emplace_back([&key] {
			for (int n = 0; n < 1000; n++)
				key->count(10);
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(key->bytes_left(), (1u << 20) - 40000);
}

size_t warnings(const std::string &text)
{
	size_t count = 0;
	for (size_t at = text.find("region key 42"); at != text.npos;
	     at = text.find("region key 42", at + 1))
		count++;
	return count;
}

/* Returns how often so many records of 10 bytes made it warn. */
size_t warnings_of(RegionKey *key, size_t records)
{
	testing::internal::CaptureStderr();
	for (size_t i = 0; i < records; i++)
		key->count(10);
	return warnings(testing::internal::GetCapturedStderr());
}

/* Returns 0 if it warns when it should. */
int count_warnings()
{
	setenv("FI_LOG_LEVEL", "warn", 1);
	setenv("FI_PROVIDER", "none", 1);
	fi_info *info = nullptr;
	static_cast<void>(fi_getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0,
				     nullptr, &info));
	for (const auto &key : {limited(1000, 0), limited(0, 100)}) {
		if (warnings_of(key.get(), 89))
			return 1;
		if (warnings_of(key.get(), 1) != 1)
			return 2;
		if (warnings_of(key.get(), 20))
			return 3;
	}
	return 0;
}

/* libfabric reads FI_LOG_LEVEL once, so this runs in a process of its own. */
TEST(SealRegionKey, WarnsOnceAt90Percent)
{
	testing::FLAGS_gtest_death_test_style = "threadsafe";
	EXPECT_EXIT(_exit(count_warnings()), testing::ExitedWithCode(0), "");
}

} // namespace

} // namespace ofi_pmem::test
