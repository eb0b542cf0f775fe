/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Keys are added and removed; an initiator and a target choose among them. */
#include "seal/key_ring.hh"

#include "seal/seal_fixture.hh"

#include <rdma/fi_errno.h>

#include <arpa/inet.h>

namespace ofi_pmem::test
{

namespace
{

IpAddress host(const char *text, uint16_t port = 0)
{
	sockaddr_in plain{};
	plain.sin_family = AF_INET;
	plain.sin_port = htons(port);
	IpAddress address;
	EXPECT_EQ(inet_pton(AF_INET, text, &plain.sin_addr), 1);
	EXPECT_TRUE(address.assign(&plain, sizeof(plain)));
	return address;
}

class SealKeyRing : public ::testing::Test
{
protected:
	int add(uint64_t id, uint8_t first = 0,
		Cipher cipher = Cipher::aes_128_gcm,
		const KeyLimits &limits = {})
	{
		Bytes bytes = counting(16, first);
		return add_bytes(id, cipher, bytes, limits);
	}

	int add_bytes(uint64_t id, Cipher cipher, const Bytes &bytes,
		      const KeyLimits &limits = {})
	{
		KeySpec spec;
		spec.id = id;
		spec.cipher = cipher;
		spec.bytes = bytes.data();
		spec.length = bytes.size();
		spec.limits = limits;
		why_ = nullptr;
		int ret = ring_.add(spec, &why_);
		EXPECT_EQ(!ret, !why_);
		return ret;
	}

	uint64_t chosen(uint64_t mr_key, const IpAddress &address)
	{
		auto key = ring_.choose(mr_key, address);
		return key ? key->id() : 0;
	}

	KeyRing ring_;
	const char *why_ = nullptr;
};

TEST_F(SealKeyRing, FindsWhatWasAdded)
{
	EXPECT_TRUE(ring_.empty());
	EXPECT_EQ(ring_.find(1), nullptr);
	ASSERT_EQ(add(1, 5), 0);
	EXPECT_FALSE(ring_.empty());
	auto key = ring_.find(1);
	ASSERT_NE(key, nullptr);
	EXPECT_EQ(key->id(), 1u);
	EXPECT_EQ(key->cipher().cipher, Cipher::aes_128_gcm);
	EXPECT_TRUE(key->secret().equals(counting(16, 5).data(), 16));
	EXPECT_EQ(ring_.find(2), nullptr);
}

TEST_F(SealKeyRing, TakesTheSameKeyAgain)
{
	ASSERT_EQ(add(1), 0);
	auto key = ring_.find(1);
	EXPECT_EQ(add(1), 0);
	EXPECT_EQ(ring_.find(1), key);
}

TEST_F(SealKeyRing, TakesNoOtherKeyOfTheSameId)
{
	ASSERT_EQ(add(1), 0);
	EXPECT_EQ(add(1, 9), -FI_EALREADY);
	EXPECT_EQ(add(1, 0, Cipher::aes_128_ccm), -FI_EALREADY);
	EXPECT_EQ(add(1, 0, Cipher::aes_128_gcm, {1, 0}), -FI_EALREADY);
	EXPECT_EQ(add(1, 0, Cipher::aes_128_gcm, {0, 1}), -FI_EALREADY);
	EXPECT_TRUE(ring_.find(1)->secret().equals(counting(16).data(), 16));
}

TEST_F(SealKeyRing, RefusesWhatIsNoKey)
{
	EXPECT_EQ(add(0), -FI_EINVAL);
	EXPECT_EQ(add(1, 0, static_cast<Cipher>(9)), -FI_EINVAL);
	for (Cipher cipher : kAllCiphers) {
		size_t right = cipher_traits(cipher)->key_bytes;
		for (size_t len : {size_t{0}, right - 1, right + 1})
			EXPECT_EQ(add_bytes(1, cipher, counting(len)),
				  -FI_EINVAL);
	}
	KeySpec spec;
	spec.id = 1;
	spec.cipher = Cipher::aes_128_gcm;
	spec.length = 16;
	EXPECT_EQ(ring_.add(spec, &why_), -FI_EINVAL);
	EXPECT_TRUE(ring_.empty());
}

TEST_F(SealKeyRing, RemovesAndTellsWhoHasIt)
{
	ASSERT_EQ(add(1), 0);
	auto key = ring_.find(1);
	EXPECT_EQ(ring_.remove(1), key);
	EXPECT_TRUE(key->removed());
	EXPECT_EQ(key->secret().size(), 0u);
	EXPECT_EQ(ring_.find(1), nullptr);
	EXPECT_EQ(ring_.remove(1), nullptr);
	/* The id is free again. */
	EXPECT_EQ(add(1, 9), 0);
	EXPECT_FALSE(ring_.find(1)->removed());
}

TEST_F(SealKeyRing, ChoosesByRegionThenHostThenDefault)
{
	auto here = host("192.0.2.1");
	auto there = host("192.0.2.2");
	for (uint64_t id : {1, 2, 3})
		ASSERT_EQ(add(id, static_cast<uint8_t>(id)), 0);
	EXPECT_EQ(chosen(77, here), 0u);
	ASSERT_EQ(ring_.bind_default(1), 0);
	EXPECT_EQ(chosen(77, here), 1u);
	ASSERT_EQ(ring_.bind_host(here, 2), 0);
	EXPECT_EQ(chosen(77, here), 2u);
	EXPECT_EQ(chosen(77, there), 1u);
	EXPECT_EQ(chosen(77, host("192.0.2.1", 4711)), 2u);
	ASSERT_EQ(ring_.bind_region(77, 3), 0);
	EXPECT_EQ(chosen(77, here), 3u);
	EXPECT_EQ(chosen(78, here), 2u);
	ASSERT_EQ(ring_.bind_region(77, 1), 0);
	EXPECT_EQ(chosen(77, here), 1u);
	ASSERT_EQ(ring_.bind_host(host("192.0.2.1", 1), 3), 0);
	EXPECT_EQ(chosen(78, here), 3u);
}

TEST_F(SealKeyRing, TakesABindingBack)
{
	auto here = host("192.0.2.1");
	ASSERT_EQ(add(1), 0);
	EXPECT_EQ(ring_.bind_region(77, 0), 0);
	EXPECT_EQ(ring_.bind_host(here, 0), 0);
	EXPECT_EQ(ring_.bind_path("/a", 0), 0);
	ASSERT_EQ(ring_.bind_region(77, 1), 0);
	ASSERT_EQ(ring_.bind_host(here, 1), 0);
	ASSERT_EQ(ring_.bind_path("/a", 1), 0);
	ASSERT_EQ(ring_.bind_default(1), 0);
	EXPECT_EQ(ring_.bind_default(0), 0);
	EXPECT_EQ(chosen(78, host("192.0.2.2")), 0u);
	EXPECT_EQ(ring_.bind_host(here, 0), 0);
	EXPECT_EQ(chosen(78, here), 0u);
	EXPECT_EQ(chosen(77, here), 1u);
	EXPECT_EQ(ring_.bind_region(77, 0), 0);
	EXPECT_EQ(chosen(77, here), 0u);
	EXPECT_EQ(ring_.choose_path("/a/b"), 1u);
	EXPECT_EQ(ring_.bind_path("/a/", 0), 0);
	EXPECT_EQ(ring_.choose_path("/a/b"), 0u);
}

TEST_F(SealKeyRing, BindsOnlyWhatItHas)
{
	EXPECT_EQ(ring_.bind_region(77, 1), -FI_ENOKEY);
	EXPECT_EQ(ring_.bind_host(host("192.0.2.1"), 1), -FI_ENOKEY);
	EXPECT_EQ(ring_.bind_default(1), -FI_ENOKEY);
	EXPECT_EQ(ring_.bind_path("/a", 1), -FI_ENOKEY);
	EXPECT_EQ(ring_.choose_path("/a"), 0u);
	EXPECT_EQ(chosen(77, host("192.0.2.1")), 0u);
}

TEST_F(SealKeyRing, ForgetsTheBindingsOfARemovedKey)
{
	auto here = host("192.0.2.1");
	auto there = host("192.0.2.2");
	for (uint64_t id : {1, 2}) {
		ASSERT_EQ(add(id, static_cast<uint8_t>(id)), 0);
		ASSERT_EQ(ring_.bind_region(70 + id, id), 0);
		ASSERT_EQ(ring_.bind_path("/" + std::to_string(id), id), 0);
	}
	ASSERT_EQ(ring_.bind_host(here, 1), 0);
	ASSERT_EQ(ring_.bind_host(there, 2), 0);
	ASSERT_EQ(ring_.bind_default(1), 0);
	ring_.remove(1);
	ASSERT_EQ(add(1, 9), 0);
	EXPECT_EQ(chosen(71, here), 0u);
	EXPECT_EQ(chosen(72, here), 2u);
	EXPECT_EQ(chosen(71, there), 2u);
	EXPECT_EQ(ring_.choose_path("/1/file"), 0u);
	EXPECT_EQ(ring_.choose_path("/2/file"), 2u);
}

TEST_F(SealKeyRing, ChoosesTheLongestPath)
{
	for (uint64_t id = 1; id <= 5; id++)
		ASSERT_EQ(add(id, static_cast<uint8_t>(id)), 0);
	ASSERT_EQ(ring_.bind_path("/mnt/a", 1), 0);
	ASSERT_EQ(ring_.bind_path("/mnt/a/b/", 2), 0);
	ASSERT_EQ(ring_.bind_path("/mnt/a/b/file", 3), 0);
	EXPECT_EQ(ring_.choose_path("/mnt/a"), 1u);
	EXPECT_EQ(ring_.choose_path("/mnt/a/c"), 1u);
	EXPECT_EQ(ring_.choose_path("/mnt/a/bc"), 1u);
	EXPECT_EQ(ring_.choose_path("/mnt/a/b/c"), 2u);
	EXPECT_EQ(ring_.choose_path("/mnt/a/b/file"), 3u);
	EXPECT_EQ(ring_.choose_path("/mnt/a/b/file2"), 2u);
	for (const char *other : {"/mnt/ab", "/mnt", "/", "", "mnt/a"})
		EXPECT_EQ(ring_.choose_path(other), 0u) << other;
	ASSERT_EQ(ring_.bind_default(4), 0);
	EXPECT_EQ(ring_.choose_path("/mnt/ab"), 4u);
	ASSERT_EQ(ring_.bind_path("/", 5), 0);
	EXPECT_EQ(ring_.choose_path("/mnt/ab"), 5u);
	EXPECT_EQ(ring_.choose_path("/mnt/a/c"), 1u);
	EXPECT_EQ(ring_.choose_path("mnt"), 4u);
}

} // namespace

} // namespace ofi_pmem::test
