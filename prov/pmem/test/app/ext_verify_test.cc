/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Verification by the functions of rdma/fi_ext_pmem.h. */
#include "digest/digest.hh"
#include "fixture/extension_fixture.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

class Verify : public EpExtension
{
protected:
	void SetUp() override
	{
		EpExtension::SetUp();
		readable_ = add_region(&medium_, kBase,
				       FI_REMOTE_WRITE | FI_REMOTE_READ);
		for (size_t i = 0; i < medium_.durable.size(); i++)
			medium_.durable[i] = static_cast<uint8_t>(i * 37);
	}

	void TearDown() override
	{
		persistence().remove_region(readable_);
		EpExtension::TearDown();
	}

	fi_rma_iov range(uint64_t offset, size_t len) const
	{
		return {kBase + offset, len, readable_.value()};
	}

	ssize_t verify(const std::vector<fi_rma_iov> &ranges,
		       fi_pmem_digest digest, size_t block, uint64_t flags = 0)
	{
		fi_pmem_msg_verify msg{ranges.data(),	ranges.size(),	0,
				       &medium_,	digest,		block,
				       digests_.data(), digests_.size()};
		return post(
			[&] { return extension()->verify(ep, &msg, flags); });
	}

	/* Returns the blocks of the next completion, which must be an error. */
	std::vector<fi_pmem_bad_block> bad_blocks()
	{
		fi_cq_entry entry;
		ssize_t ret;
		while ((ret = fi_cq_read(cq, &entry, 1)) == -FI_EAGAIN)
			;
		EXPECT_EQ(ret, -FI_EAVAIL);
		fi_cq_err_entry error{};
		EXPECT_EQ(fi_cq_readerr(cq, &error, 0), 1);
		EXPECT_EQ(error.op_context, &medium_);
		EXPECT_EQ(error.err, FI_EIO);
		auto bad = static_cast<fi_pmem_bad_block *>(error.err_data);
		return {bad, bad + error.err_data_size / sizeof(*bad)};
	}

	/* Returns the right digests of what is durable. */
	std::vector<uint8_t> expected(const std::vector<fi_rma_iov> &ranges,
				      DigestAlgorithm algorithm,
				      size_t block) const
	{
		std::vector<uint8_t> all;
		auto engine = open_digest(algorithm);
		for (const auto &one : ranges) {
			size_t step = block ? block : one.len;
			for (size_t at = 0; at < one.len; at += step) {
				engine->update(
					&medium_.durable[one.addr - kBase + at],
					std::min(step, one.len - at));
				Digest made = engine->finish();
				all.insert(all.end(), made.bytes.begin(),
					   made.bytes.begin() + made.length);
			}
		}
		return all;
	}

	Key readable_{0};
	std::vector<uint8_t> digests_ = std::vector<uint8_t>(40000, 0xaa);
};

/* The last has more blocks than one request. */
TEST_F(Verify, DigestsOfEveryBlockComeInOrder)
{
	const std::vector<fi_rma_iov> ranges{range(1, 100), range(200, 4),
					     range(0, 4096)};
	for (auto algorithm : kDigestAlgorithms) {
		if (!(available_digests() & digest_bit(algorithm)))
			continue;
		SCOPED_TRACE(to_string(algorithm));
		for (size_t block : {0, 3, 7, 100, 5000}) {
			auto wanted = expected(ranges, algorithm, block);
			digests_.assign(wanted.size() + 1, 0xaa);
			ASSERT_EQ(verify(ranges,
					 static_cast<fi_pmem_digest>(algorithm),
					 block),
				  0);
			auto done = wait();
			EXPECT_EQ(done.flags, FI_RMA | FI_READ);
			EXPECT_EQ(done.len, 4200u);
			EXPECT_EQ(digests_.back(), 0xaa);
			digests_.pop_back();
			EXPECT_EQ(digests_, wanted) << "block " << block;
		}
	}
}

TEST_F(Verify, TellsWhatWasCommittedAndNothingElse)
{
	const std::vector<fi_rma_iov> ranges{range(64, 64)};
	write(kBase + 64, 64);
	ASSERT_EQ(verify(ranges, FI_PMEM_DIGEST_DEFAULT, 0), 0);
	wait();
	auto wanted = expected(ranges, DigestAlgorithm::xxh3_64, 0);
	EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), digests_.begin()));
	EXPECT_NE(durable(64, 64), std::string(payload_, 64));
	ASSERT_EQ(flush_range(kBase + 64, 64, key_.value()), 0);
	ASSERT_EQ(verify(ranges, FI_PMEM_DIGEST_DEFAULT, 0), 0);
	wait();
	EXPECT_EQ(durable(64, 64), std::string(payload_, 64));
	wanted = expected(ranges, DigestAlgorithm::xxh3_64, 0);
	EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), digests_.begin()));
}

TEST_F(Verify, BlocksThatCannotBeReadAreNamed)
{
	medium_.unreadable = {5, 305, 4095};
	const std::vector<fi_rma_iov> ranges{range(0, 10), range(100, 205),
					     range(300, 50), range(1000, 3096)};
	ASSERT_EQ(verify(ranges, FI_PMEM_DIGEST_CRC32C, 100), 0);
	auto bad = bad_blocks();
	ASSERT_EQ(bad.size(), 3u);
	const std::pair<uint64_t, uint64_t> named[] = {
		{0, 10}, {300, 50}, {4000, 96}};
	for (size_t i = 0; i < 3; i++) {
		EXPECT_EQ(bad[i].addr, kBase + named[i].first);
		EXPECT_EQ(bad[i].length, named[i].second);
		EXPECT_EQ(bad[i].key, readable_.value());
		EXPECT_EQ(bad[i].reason, FI_PMEM_BAD_UNREADABLE);
	}
	/* All others are in place: of range 100 on, the second digest. */
	auto wanted = expected(ranges, DigestAlgorithm::crc32c, 100);
	EXPECT_TRUE(std::equal(&wanted[4], &wanted[16], &digests_[4]));
	EXPECT_EQ(digests_[0] | digests_[1] | digests_[2] | digests_[3], 0);
}

TEST_F(Verify, RefusesWhatItCannotDo)
{
	const std::vector<fi_rma_iov> one{range(0, 100)};
	EXPECT_EQ(verify(one, FI_PMEM_DIGEST_DEFAULT, 0, FI_INJECT),
		  -FI_EBADFLAGS);
	EXPECT_EQ(verify(one, static_cast<fi_pmem_digest>(0x100), 0),
		  -FI_EINVAL);
	EXPECT_EQ(verify({}, FI_PMEM_DIGEST_DEFAULT, 0), -FI_EINVAL);
	EXPECT_EQ(verify(std::vector<fi_rma_iov>(9, one[0]),
			 FI_PMEM_DIGEST_DEFAULT, 0),
		  -FI_EINVAL);
	EXPECT_EQ(verify({range(0, 0)}, FI_PMEM_DIGEST_DEFAULT, 0), -FI_EINVAL);
	EXPECT_EQ(verify({range(4000, 97)}, FI_PMEM_DIGEST_DEFAULT, 0),
		  -FI_EINVAL);
	EXPECT_EQ(verify({{kBase, 8, key_.value()}}, FI_PMEM_DIGEST_DEFAULT, 0),
		  -FI_EACCES);
	digests_.resize(31);
	EXPECT_EQ(verify(one, FI_PMEM_DIGEST_SHA256, 0), -FI_ETOOSMALL);
	EXPECT_EQ(verify(one, FI_PMEM_DIGEST_CRC32C, 12), -FI_ETOOSMALL);
	EXPECT_EQ(verify({range(0, SIZE_MAX), range(0, SIZE_MAX)},
			 FI_PMEM_DIGEST_CRC32C, 1),
		  -FI_ETOOSMALL);
	if (!(available_digests() & digest_bit(DigestAlgorithm::crc64_nvme))) {
		EXPECT_EQ(verify(one, FI_PMEM_DIGEST_CRC64_NVME, 0),
			  -FI_EOPNOTSUPP);
	}
}

class CheckedCalls : public Verify
{
protected:
	ssize_t writemsg(Key key, uint64_t offset, size_t len, uint64_t flags)
	{
		iovec local{payload_, len};
		fi_rma_iov range{kBase + offset, len, key.value()};
		fi_msg_rma msg{&local, nullptr, 1, 0, &range, 1, nullptr, 0};
		return post([&] {
			return fi_writemsg(ep, &msg,
					   FI_COMPLETION | FI_PMEM_VERIFY |
						   flags);
		});
	}

	ssize_t flushv(fi_pmem_placement placement)
	{
		fi_rma_iov one = range(0, 4096);
		fi_pmem_msg_flush msg{&one,    1,	  0,
				      nullptr, placement, FI_PMEM_SELECT_PEER};
		return post([&] {
			return extension()->flushv(
				ep, &msg, FI_COMPLETION | FI_PMEM_VERIFY);
		});
	}
};

TEST_F(CheckedCalls, LengthsTellHowMuchWasCompared)
{
	ASSERT_EQ(writemsg(readable_, 0, 64, FI_COMMIT_COMPLETE), 0);
	EXPECT_EQ(wait().len, 64u);
	EXPECT_EQ(durable(0, 64), std::string(payload_, 64));
	for (uint64_t at : {100, 300}) {
		ASSERT_EQ(writemsg(readable_, at, 50, 0), 0);
		EXPECT_EQ(wait().len, 50u);
	}
	ASSERT_EQ(flushv(FI_PMEM_PLACE_PERSISTENT), 0);
	EXPECT_EQ(wait().len, 100u);
	ASSERT_EQ(writemsg(readable_, 0, 10, 0), 0);
	wait();
	ASSERT_EQ(post([&] {
			  return extension()->drain_all(
				  ep, nullptr, FI_COMPLETION | FI_PMEM_VERIFY);
		  }),
		  0);
	EXPECT_EQ(wait().len, 10u);
}

TEST_F(CheckedCalls, BadBlocksAreInErrData)
{
	medium_.unreadable = {20, 320};
	ASSERT_EQ(writemsg(readable_, 0, 64, 0), 0);
	wait();
	ASSERT_EQ(writemsg(readable_, 300, 64, 0), 0);
	wait();
	ASSERT_EQ(post([&] {
			  return extension()->drain_all(ep, &medium_,
							FI_PMEM_VERIFY);
		  }),
		  0);
	auto bad = bad_blocks();
	ASSERT_EQ(bad.size(), 2u);
	EXPECT_EQ(bad[0].addr, kBase);
	EXPECT_EQ(bad[1].addr, kBase + 300);
}

TEST_F(CheckedCalls, RefuseWhatCannotBeCompared)
{
	EXPECT_EQ(writemsg(key_, 0, 8, 0), -FI_EACCES);
	EXPECT_EQ(writemsg(Key(1), 0, 8, 0), -FI_EINVAL);
	EXPECT_EQ(flushv(FI_PMEM_PLACE_VISIBLE), -FI_EINVAL);
	iovec local{payload_, 8};
	fi_rma_iov one = range(0, 8);
	fi_msg_rma msg{&local, nullptr, 1, 0, &one, 1, nullptr, 0};
	EXPECT_EQ(fi_readmsg(ep, &msg, FI_PMEM_VERIFY), -FI_EBADFLAGS);
}

TEST_F(Verify, QueryTellsWhatThereIs)
{
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	ASSERT_EQ(query(readable_.value(), &attr), 0);
	EXPECT_EQ(attr.digests, available_digests());
	EXPECT_EQ(attr.coverage, FI_PMEM_COVERS_DOMAIN);
}

} // namespace

} // namespace ofi_pmem
