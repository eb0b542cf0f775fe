/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The functions of rdma/fi_ext_pmem.h: who gets them, what they refuse, and
 * programs that are older or newer than the provider.
 */
#include "app_plane_fixture.hh"
#include "digest/digest.hh"
#include "fake_hook.hh"

#include <rdma/fi_ext_pmem.h>

#include <algorithm>
#include <iterator>

namespace ofi_pmem
{

namespace
{

class EpExtension : public AppPlaneTest
{
protected:
	static constexpr uint64_t kBase = 0x4000;
	/* Of the header's first version. */
	static constexpr size_t kFirstAttr =
		offsetof(fi_pmem_region_attr, digests);

	void SetUp() override
	{
		AppTest::SetUp();
		prepare(kPersistent);
		info->tx_attr->iov_limit = 2;
		info->tx_attr->rma_iov_limit = 2;
		open();
		key_ = add_region(&medium_, kBase, FI_REMOTE_WRITE);
	}

	void TearDown() override
	{
		close_endpoint();
		persistence().remove_region(key_);
		AppTest::TearDown();
	}

	fi_ops_pmem_ep *extension()
	{
		void *opened = nullptr;
		EXPECT_EQ(fi_open_ops(&ep->fid, FI_PMEM_EP_OPS, 0, &opened,
				      nullptr),
			  0);
		return static_cast<fi_ops_pmem_ep *>(opened);
	}

	ssize_t query(uint64_t key, fi_pmem_region_attr *attr)
	{
		return post(
			[&] { return extension()->query(ep, 0, key, attr); });
	}

	/* The outcome of the call; its completion must be a success. */
	ssize_t write_ordered(uint64_t addr, size_t len)
	{
		return write_ordered(key_, addr, len);
	}

	ssize_t write_ordered(Key key, uint64_t addr, size_t len)
	{
		iovec local{payload_, len};
		fi_rma_iov range{addr, len, key.value()};
		return write_ordered(
			{&local, nullptr, 1, 0, &range, 1, nullptr, 0});
	}

	ssize_t write_ordered(const fi_msg_rma &msg)
	{
		ssize_t ret = post([&] {
			return extension()->write_ordered(ep, &msg,
							  FI_COMPLETION);
		});
		if (!ret) {
			EXPECT_EQ(wait().flags, FI_RMA | FI_WRITE);
		}
		return ret;
	}

	/* The outcome of the call; its completion must be a success. */
	ssize_t flushv(const fi_pmem_msg_flush &msg, uint64_t flags = 0)
	{
		ssize_t ret = post(
			[&] { return extension()->flushv(ep, &msg, flags); });
		if (!ret) {
			EXPECT_EQ(wait().flags, FI_RMA | FI_WRITE);
		}
		return ret;
	}

	ssize_t flush_range(uint64_t addr, size_t len, uint64_t key)
	{
		fi_rma_iov range{addr, len, key};
		return flushv({&range, 1, 0, nullptr, FI_PMEM_PLACE_PERSISTENT,
			       FI_PMEM_SELECT_RANGES});
	}

	/* Written, but not committed. */
	void write(uint64_t addr, size_t len)
	{
		ASSERT_EQ(post([&] {
				  return fi_write(ep, payload_, len, nullptr, 0,
						  addr, key_.value(), nullptr);
			  }),
			  0);
		wait();
	}

	/* What of the region is durable, from `offset` on. */
	std::string durable(uint64_t offset, size_t len)
	{
		std::lock_guard guard(medium_.mutex);
		return {reinterpret_cast<char *>(&medium_.durable[offset]),
			len};
	}

	char payload_[65] = "0123456789abcdef0123456789abcdef"
			    "0123456789abcdef0123456789abcdef";
	test::FakeMedium medium_{4096};
	Key key_{0};
};

TEST_F(EpExtension, HasEveryFunctionOfTheHeader)
{
	EXPECT_EQ(extension()->size, sizeof(fi_ops_pmem_ep));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, query));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, write_ordered));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, flush));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, flushv));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, drain_all));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, verify));
}

TEST_F(EpExtension, EventsOfTheDomainWorkUnderHookProviders)
{
	void *opened = nullptr;
	ASSERT_EQ(fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, 0, &opened,
			      nullptr),
		  0);
	auto ops = static_cast<fi_ops_pmem_domain *>(opened);
	fake::Hook<fid_domain> hook(&domain->fid);
	int fd = -1;
	EXPECT_EQ(ops->event_fd(&hook, &fd), 0);
	EXPECT_GE(fd, 3);
	fi_pmem_event event{};
	event.size = sizeof(event);
	EXPECT_EQ(ops->read_event(&hook, &event), -FI_EAGAIN);
}

TEST_F(EpExtension, WorksUnderHookProviders)
{
	fake::Hook<fid_ep> hook(&ep->fid);
	fake::Hook<fid_ep> upper(&hook.fid);
	void *opened = nullptr;
	ASSERT_EQ(fi_open_ops(&upper.fid, FI_PMEM_EP_OPS, 0, &opened, nullptr),
		  0);
	auto ops = static_cast<fi_ops_pmem_ep *>(opened);
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	ASSERT_EQ(post([&] {
			  return ops->query(&upper, 0, key_.value(), &attr);
		  }),
		  0);
	EXPECT_EQ(attr.base, kBase);
	iovec local{payload_, 8};
	fi_rma_iov range{kBase, 8, key_.value()};
	fi_msg_rma msg{&local, nullptr, 1, 0, &range, 1, nullptr, 0};
	ASSERT_EQ(post([&] {
			  return ops->write_ordered(&hook, &msg, FI_COMPLETION);
		  }),
		  0);
	EXPECT_EQ(wait().flags, FI_RMA | FI_WRITE);
	EXPECT_EQ(durable(0, 8), "01234567");
}

TEST_F(EpExtension, RefusesAnotherProvidersEndpoint)
{
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	fi_rma_iov range{kBase, 8, key_.value()};
	fi_msg_rma msg{nullptr, nullptr, 0, 0, &range, 1, nullptr, 0};
	fi_pmem_msg_flush flush{&range,
				1,
				0,
				nullptr,
				FI_PMEM_PLACE_PERSISTENT,
				FI_PMEM_SELECT_RANGES};
	fi_pmem_msg_verify verify{};
	fake::Hook<fid_ep> foreign(nullptr);
	/* One of ours, but of another class. */
	fake::Hook<fid_ep> queue(&cq->fid);
	for (fid_ep *other : {&foreign, &queue}) {
		EXPECT_EQ(extension()->query(other, 0, key_.value(), &attr),
			  -FI_EINVAL);
		EXPECT_EQ(extension()->write_ordered(other, &msg, 0),
			  -FI_EINVAL);
		EXPECT_EQ(extension()->flush(other, kBase, 8, key_.value(), 0,
					     FI_PMEM_PLACE_PERSISTENT, nullptr),
			  -FI_EINVAL);
		EXPECT_EQ(extension()->flushv(other, &flush, 0), -FI_EINVAL);
		EXPECT_EQ(extension()->drain_all(other, nullptr, 0),
			  -FI_EINVAL);
		EXPECT_EQ(extension()->verify(other, &verify, 0), -FI_EINVAL);
	}
}

TEST_F(EpExtension, FlagsAreRefused)
{
	void *opened = nullptr;
	EXPECT_EQ(fi_open_ops(&ep->fid, FI_PMEM_EP_OPS, 1, &opened, nullptr),
		  -FI_EBADFLAGS);
}

TEST_F(EpExtension, OtherNamesAreTheInnerProvidersBusiness)
{
	void *opened = nullptr;
	EXPECT_EQ(fi_open_ops(&ep->fid, "another", 0, &opened, nullptr),
		  -FI_ENOSYS);
}

TEST_F(EpExtension, EndpointsWithoutPersistenceHaveNone)
{
	prepare(FI_MSG | FI_RMA);
	fid_ep *plain = nullptr;
	ASSERT_EQ(fi_endpoint(domain, info.get(), &plain, nullptr), 0);
	void *opened = nullptr;
	EXPECT_EQ(fi_open_ops(&plain->fid, FI_PMEM_EP_OPS, 0, &opened, nullptr),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(fi_close(&plain->fid), 0);
}

TEST_F(EpExtension, QueryTellsWhatTheTargetDeclares)
{
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	ASSERT_EQ(query(key_.value(), &attr), 0);
	EXPECT_EQ(attr.base, kBase);
	EXPECT_EQ(attr.length, medium_.visible.size());
	EXPECT_EQ(attr.access, FI_REMOTE_WRITE);
	EXPECT_EQ(attr.method, FI_PMEM_METHOD_MESSAGE);
	EXPECT_STRNE(attr.reason, "");
	EXPECT_EQ(attr.native_order, 0U);
	EXPECT_EQ(attr.max_length, info->ep_attr->max_msg_size);
}

TEST_F(EpExtension, ANewerProgramLearnsHowFarItIsFilled)
{
	struct {
		fi_pmem_region_attr known;
		uint64_t added;
	} attr{};
	attr.known.size = sizeof(attr);
	attr.added = 0x5a5a;
	ASSERT_EQ(query(key_.value(), &attr.known), 0);
	EXPECT_EQ(attr.known.size, sizeof(attr.known));
	EXPECT_EQ(attr.added, 0x5a5aU);
}

TEST_F(EpExtension, AnOlderProgramIsFilledAsFarAsItKnows)
{
	fi_pmem_region_attr attr{};
	attr.size = kFirstAttr;
	attr.digests = 0x5a5a;
	ASSERT_EQ(query(key_.value(), &attr), 0);
	EXPECT_EQ(attr.size, kFirstAttr);
	EXPECT_EQ(attr.max_length, info->ep_attr->max_msg_size);
	EXPECT_EQ(attr.digests, 0x5a5aU);
}

TEST_F(EpExtension, QueryRefusesWhatItCannotFill)
{
	fi_pmem_region_attr attr{};
	EXPECT_EQ(query(key_.value(), nullptr), -FI_EINVAL);
	EXPECT_EQ(query(key_.value(), &attr), -FI_EINVAL);
	attr.size = kFirstAttr - 1;
	EXPECT_EQ(query(key_.value(), &attr), -FI_EINVAL);
}

TEST_F(EpExtension, QueryNeedsAPersistentKey)
{
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	EXPECT_EQ(query(7, &attr), -FI_EINVAL);
	EXPECT_EQ(query(key_.value() ^ 1, &attr), -FI_ENOKEY);
	EXPECT_EQ(attr.size, sizeof(attr));
	EXPECT_EQ(attr.length, 0U);
}

TEST_F(EpExtension, OrderedWritesAreDurableWhenTheyComplete)
{
	for (size_t len : {1, 2, 4, 8, 9, 63}) {
		ASSERT_EQ(write_ordered(kBase + 64, len), 0) << len;
		EXPECT_EQ(durable(64, len), std::string(payload_, len));
	}
}

TEST_F(EpExtension, OrderedWritesMustBeWholeOrLong)
{
	for (size_t len : {0, 3, 5, 6, 7})
		EXPECT_EQ(write_ordered(kBase, len), -FI_EINVAL) << len;
	for (size_t len : {2, 4, 8})
		EXPECT_EQ(write_ordered(kBase + len / 2, len), -FI_EINVAL)
			<< len;
	EXPECT_EQ(durable(0, 16), std::string(16, '\0'));
}

TEST_F(EpExtension, OrderedWritesAreNoLongerThanMemoryIsAligned)
{
	for (size_t skipped : {1, 2, 4, 8, 12, 16}) {
		Key key = add_region(&medium_, 0, FI_REMOTE_WRITE, skipped);
		fi_pmem_region_attr attr{};
		attr.size = sizeof(attr);
		ASSERT_EQ(query(key.value(), &attr), 0);
		EXPECT_EQ(attr.failure_atomic,
			  std::min<size_t>(skipped & -skipped, 8));
		for (size_t len : {1, 2, 4, 8}) {
			ssize_t ret = write_ordered(key, 0, len);
			EXPECT_EQ(ret,
				  len <= attr.failure_atomic ? 0 : -FI_EINVAL);
		}
		persistence().remove_region(key);
	}
}

TEST_F(EpExtension, OrderedWritesHaveOnePersistentRange)
{
	iovec local{payload_, 16};
	fi_rma_iov ranges[2] = {{kBase, 8, key_.value()},
				{kBase + 64, 8, key_.value()}};
	EXPECT_EQ(write_ordered({&local, nullptr, 1, 0, ranges, 2, nullptr, 0}),
		  -FI_EINVAL);
	EXPECT_EQ(write_ordered({&local, nullptr, 1, 0, ranges, 0, nullptr, 0}),
		  -FI_EINVAL);
	local.iov_len = 8;
	ranges[0].key = 7;
	EXPECT_EQ(write_ordered({&local, nullptr, 1, 0, ranges, 1, nullptr, 0}),
		  -FI_EINVAL);
}

TEST_F(EpExtension, FlushesMakeDurableWhatTheySelect)
{
	write(kBase, 16);
	write(kBase + 64, 16);
	EXPECT_EQ(durable(64, 16), std::string(16, '\0'));
	int context = 0;
	ASSERT_EQ(post([&] {
			  return extension()->flush(
				  ep, kBase + 64, 16, key_.value(), 0,
				  FI_PMEM_PLACE_PERSISTENT, &context);
		  }),
		  0);
	EXPECT_EQ(wait().op_context, &context);
	EXPECT_EQ(durable(64, 16), std::string(payload_, 16));
	EXPECT_EQ(durable(0, 16), std::string(16, '\0'));
	/* Of a region and of a peer only the key counts. */
	fi_rma_iov range{1, 0, key_.value()};
	EXPECT_EQ(flushv({&range, 1, 0, nullptr, FI_PMEM_PLACE_PERSISTENT,
			  FI_PMEM_SELECT_REGIONS}),
		  0);
	EXPECT_EQ(durable(0, 16), std::string(payload_, 16));
	write(kBase + 128, 16);
	EXPECT_EQ(flushv({&range, 1, 0, nullptr, FI_PMEM_PLACE_VISIBLE,
			  FI_PMEM_SELECT_PEER}),
		  0);
	EXPECT_EQ(durable(128, 16), std::string(16, '\0'));
	EXPECT_EQ(flushv({&range, 1, 0, nullptr, FI_PMEM_PLACE_PERSISTENT,
			  FI_PMEM_SELECT_PEER}),
		  0);
	EXPECT_EQ(durable(128, 16), std::string(payload_, 16));
}

TEST_F(EpExtension, DrainsAllPeers)
{
	auto drain = [&](uint64_t flags) {
		return post([&] {
			return extension()->drain_all(ep, nullptr, flags);
		});
	};
	ASSERT_EQ(drain(FI_COMPLETION), 0);
	EXPECT_EQ(wait().flags, FI_RMA | FI_WRITE);
	write(kBase, 16);
	ASSERT_EQ(drain(0), 0);
	wait();
	EXPECT_EQ(durable(0, 16), std::string(payload_, 16));
	EXPECT_EQ(drain(FI_FENCE), -FI_EBADFLAGS);
}

TEST_F(EpExtension, FlushesRefuseWhatTheyCannotFlush)
{
	uint64_t key = key_.value();
	size_t len = medium_.visible.size();
	EXPECT_EQ(flush_range(kBase, 0, key), -FI_EINVAL);
	EXPECT_EQ(flush_range(kBase - 1, 8, key), -FI_EINVAL);
	EXPECT_EQ(flush_range(kBase, len + 1, key), -FI_EINVAL);
	EXPECT_EQ(flush_range(UINT64_MAX, 8, key), -FI_EINVAL);
	EXPECT_EQ(flush_range(kBase, 8, 7), -FI_EINVAL);
	EXPECT_EQ(flush_range(kBase, 8, key ^ 1), -FI_ENOKEY);
	EXPECT_EQ(flush_range(kBase, len, key), 0);
	/* More than rma_iov_limit: no request of the inner provider's. */
	fi_rma_iov ranges[FI_PMEM_FLUSH_RANGES + 1];
	std::fill(std::begin(ranges), std::end(ranges),
		  fi_rma_iov{kBase, 8, key});
	fi_pmem_msg_flush msg{
		ranges,	 FI_PMEM_FLUSH_RANGES,	   0,
		nullptr, FI_PMEM_PLACE_PERSISTENT, FI_PMEM_SELECT_RANGES};
	EXPECT_EQ(flushv(msg), 0);
	EXPECT_EQ(flushv(msg, FI_FENCE), -FI_EBADFLAGS);
	msg.rma_iov_count++;
	EXPECT_EQ(flushv(msg), -FI_EINVAL);
	msg.rma_iov_count = 0;
	EXPECT_EQ(flushv(msg), -FI_EINVAL);
	msg.rma_iov_count = 1;
	msg.placement = static_cast<fi_pmem_placement>(3);
	EXPECT_EQ(flushv(msg), -FI_EINVAL);
	msg.placement = FI_PMEM_PLACE_VISIBLE;
	msg.selectivity = fi_pmem_selectivity{};
	EXPECT_EQ(flushv(msg), -FI_EINVAL);
}

TEST_F(EpExtension, FlushesNeedARegionThatMayBeWritten)
{
	Key key = add_region(&medium_, kBase, FI_REMOTE_READ);
	EXPECT_EQ(flush_range(kBase, 8, key.value()), -FI_EACCES);
	persistence().remove_region(key);
}

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

	/* Of the next completion, which must be an error. */
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

	/* What the digests must be, of what is durable. */
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
