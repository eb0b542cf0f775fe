/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Ordered writes, flushes and drains by the functions of rdma/fi_ext_pmem.h. */
#include "fixture/extension_fixture.hh"

#include <algorithm>
#include <iterator>

namespace ofi_pmem
{

namespace
{

class ExtWrite : public EpExtension
{
};

TEST_F(ExtWrite, OrderedWritesAreDurableWhenTheyComplete)
{
	for (size_t len : {1, 2, 4, 8, 9, 63}) {
		ASSERT_EQ(write_ordered(kBase + 64, len), 0) << len;
		EXPECT_EQ(durable(64, len), std::string(payload_, len));
	}
}

TEST_F(ExtWrite, OrderedWritesMustBeWholeOrLong)
{
	for (size_t len : {0, 3, 5, 6, 7})
		EXPECT_EQ(write_ordered(kBase, len), -FI_EINVAL) << len;
	for (size_t len : {2, 4, 8})
		EXPECT_EQ(write_ordered(kBase + len / 2, len), -FI_EINVAL)
			<< len;
	EXPECT_EQ(durable(0, 16), std::string(16, '\0'));
}

TEST_F(ExtWrite, OrderedWritesAreNoLongerThanMemoryIsAligned)
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

TEST_F(ExtWrite, OrderedWritesHaveOnePersistentRange)
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

TEST_F(ExtWrite, FlushesMakeDurableWhatTheySelect)
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
	/* For a region and for a peer only the key counts. */
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

TEST_F(ExtWrite, DrainsAllPeers)
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

TEST_F(ExtWrite, FlushesRefuseWhatTheyCannotFlush)
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
	/*
	 * More ranges than rma_iov_limit are allowed, as the inner provider
	 * gets no request.
	 */
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

TEST_F(ExtWrite, FlushesNeedARegionThatMayBeWritten)
{
	Key key = add_region(&medium_, kBase, FI_REMOTE_READ);
	EXPECT_EQ(flush_range(kBase, 8, key.value()), -FI_EACCES);
	persistence().remove_region(key);
}

} // namespace

} // namespace ofi_pmem
