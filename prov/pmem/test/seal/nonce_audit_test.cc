/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Every record that is sealed is in the audit's file, once. */
#include "seal/nonce_audit.hh"

#include "fixture/persist_fixture.hh"
#include "seal/seal_fixture.hh"

#include <rdma/fi_errno.h>

#include <csignal>
#include <fstream>
#include <set>

namespace ofi_pmem::test
{

namespace
{

class SealAudit : public ::testing::Test
{
protected:
	std::vector<std::string> lines() const
	{
		std::vector<std::string> all;
		std::ifstream file(path_);
		for (std::string line; std::getline(file, line);)
			all.push_back(line);
		return all;
	}

	/* Expects so many lines, all different. */
	void expect_lines(size_t count) const
	{
		auto all = lines();
		EXPECT_EQ(all.size(), count);
		std::set<std::string> different(all.begin(), all.end());
		EXPECT_EQ(different.size(), count);
		for (const std::string &line : all)
			EXPECT_EQ(line.size(), 16u + 1 + 24);
	}

	TempDir dir_;
	const std::string path_ = dir_.file("audit");
	std::shared_ptr<RegionKey> key_ = make_key(Cipher::aes_256_gcm);
};

TEST_F(SealAudit, HasTheKeysFingerprintAndTheNonce)
{
	SealedStream stream(key_, path_);
	static_cast<void>(stream.seal(counting(10)));
	static_cast<void>(stream.seal(counting(10)));
	Schedule schedule;
	TrafficSecret secret;
	TrafficKey key;
	Hash hash;
	ASSERT_TRUE(schedule.open(*key_, counting_hash(0x80)));
	ASSERT_TRUE(schedule.traffic(Side::initiator, &secret));
	ASSERT_TRUE(derive_key(secret, key_->cipher(), &key));
	ASSERT_TRUE(sha256(key.key, 32, &hash));
	std::string print = to_hex(hash.data(), 8) + " ";
	EXPECT_EQ(lines().at(0), print + to_hex(key.iv, kNonceBytes));
	key.iv[kNonceBytes - 1] ^= 1;
	EXPECT_EQ(lines().at(1), print + to_hex(key.iv, kNonceBytes));
}

TEST_F(SealAudit, HasEachRecordOnce)
{
	SealedStream one(key_, SealedStream::limits_of(*key_), path_);
	SealedStream other(key_, PhaseLimits{UINT64_MAX, 10, 1 << 16}, path_,
			   0x81);
	SealedStream back(key_, path_, 0x80, Side::target);
	for (int i = 0; i < 100; i++) {
		for (SealedStream *stream : {&one, &other, &back})
			EXPECT_EQ(stream->unseal(stream->seal(counting(5))),
				  counting(5));
	}
	expect_lines(300);
}

/* This is what it is for. */
TEST_F(SealAudit, ShowsWhatIsRepeated)
{
	SealedStream one(key_, path_);
	SealedStream same(key_, path_);
	static_cast<void>(one.seal(counting(5)));
	static_cast<void>(same.seal(counting(6)));
	EXPECT_EQ(lines().at(0), lines().at(1));
}

TEST_F(SealAudit, IsKeptByAProcessThatIsKilled)
{
	int status = run_in_child([this] {
		SealedStream stream(make_key(Cipher::aes_256_gcm), path_);
		for (int i = 0; i < 50; i++)
			static_cast<void>(stream.seal(counting(5)));
		return raise(SIGKILL);
	});
	EXPECT_TRUE(WIFSIGNALED(status));
	SealedStream stream(key_, path_, 0x81);
	static_cast<void>(stream.seal(counting(5)));
	expect_lines(51);
}

TEST_F(SealAudit, ThatCannotBeWrittenSealsNothing)
{
	TrafficSecret secret;
	EXPECT_FALSE(Sealer(key_).open(secret, dir_.file("no/file")));
	SealedStream full(key_, "/dev/full");
	EXPECT_TRUE(full.seal(counting(5)).empty());
	EXPECT_EQ(full.refusal, -FI_EIO);
}

} // namespace

} // namespace ofi_pmem::test
