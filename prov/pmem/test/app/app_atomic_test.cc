/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomic calls of an endpoint with a persistence plane: which go to the inner
 * provider (a fake) and which to the service (a real one, over tcp), what is
 * refused, and how elements in several buffers become one operation.
 */
#include "core/params.hh"
#include "fixture/app_plane_fixture.hh"
#include "persist/volatile_backend.hh"
#include "protocol/wire.hh"

#include <thread>

namespace ofi_pmem
{

namespace
{

using Ops = fi_ops_atomic;
template <auto Slot> using Inner = fake::Recorded<Slot>;

class AppAtomic : public AppPlaneTest
{
protected:
	static constexpr uint64_t kBase = 0x4000;
	static constexpr size_t kInnerCount = 1 << 20;

	void SetUp() override
	{
		AppTest::SetUp();
		prepare(kPersistent | FI_ATOMIC);
		info->tx_attr->iov_limit = 4;
		info->tx_attr->rma_iov_limit = 3;
		info->tx_attr->inject_size = 64;
		open();
		inner_domain->table.query_atomic = query;
		inner = inner_domain->ep;
		inner->atomic_table.writevalid = valid;
		inner->atomic_table.readwritevalid = valid;
		inner->atomic_table.compwritevalid = valid;
		key_ = add_region(&medium_);
	}

	void TearDown() override
	{
		close_endpoint();
		persistence().remove_region(Key(key_));
		AppTest::TearDown();
	}

	static int valid(fid_ep *, fi_datatype datatype, fi_op,
			 size_t *count) noexcept
	{
		*count = kInnerCount;
		return datatype == FI_INT8 ? -FI_EOPNOTSUPP : 0;
	}
	static int query(fid_domain *, fi_datatype, fi_op, fi_atomic_attr *attr,
			 uint64_t) noexcept
	{
		attr->count = kInnerCount;
		attr->size = 4;
		return 0;
	}

	uint64_t add_region(test::FakeMedium *medium)
	{
		return AppPlaneTest::add_region(
			       medium, kBase, FI_REMOTE_READ | FI_REMOTE_WRITE)
			.value();
	}

	uint64_t word(uint64_t offset)
	{
		std::lock_guard guard(medium_.mutex);
		uint64_t value;
		memcpy(&value, &medium_.visible[offset], sizeof(value));
		return value;
	}

	/* A fetching call by message structure; a test breaks what it likes. */
	struct Fetch {
		explicit Fetch(uint64_t key)
		{
			for (auto &range : ranges)
				range = {kBase, 1, key};
			msg.msg_iov = operands;
			msg.iov_count = 1;
			msg.rma_iov = ranges;
			msg.rma_iov_count = 1;
			msg.datatype = FI_UINT64;
			msg.op = FI_SUM;
			msg.context = this;
		}

		ssize_t post_to(fid_ep *target, uint64_t flags = 0)
		{
			return fi_fetch_atomicmsg(target, &msg, results,
						  nullptr, result_count, flags);
		}

		uint64_t values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
		uint64_t was[8] = {};
		fi_ioc operands[5] = {{values, 1},
				      {values + 1, 1},
				      {values + 2, 1},
				      {values + 3, 1},
				      {values + 4, 1}};
		fi_ioc results[5] = {{was, 1},
				     {was + 1, 1},
				     {was + 2, 1},
				     {was + 3, 1},
				     {was + 4, 1}};
		size_t result_count = 1;
		fi_rma_ioc ranges[4];
		fi_msg_atomic msg{};
	};

	test::FakeMedium medium_{1 << 16};
	uint64_t key_ = 0;
	fake::Endpoint *inner = nullptr;
};

TEST_F(AppAtomic, ToOrdinaryKeysIsTheInnerProviders)
{
	uint64_t value = 1, was = 0;
	fi_ioc one{&value, 1}, result{&was, 1};
	constexpr auto kType = FI_UINT64;
	EXPECT_EQ(
		fi_atomic(ep, &value, 1, nullptr, 0, 8, 5, kType, FI_SUM, &one),
		0);
	EXPECT_EQ(
		fi_atomicv(ep, &one, nullptr, 1, 0, 8, 5, kType, FI_SUM, &one),
		0);
	EXPECT_EQ(fi_inject_atomic(ep, &value, 1, 0, 8, 5, kType, FI_SUM), 0);
	EXPECT_EQ(fi_fetch_atomic(ep, &value, 1, nullptr, &was, nullptr, 0, 8,
				  5, kType, FI_SUM, &one),
		  0);
	EXPECT_EQ(fi_fetch_atomicv(ep, &one, nullptr, 1, &result, nullptr, 1, 0,
				   8, 5, kType, FI_SUM, &one),
		  0);
	EXPECT_EQ(fi_compare_atomic(ep, &value, 1, nullptr, &value, nullptr,
				    &was, nullptr, 0, 8, 5, kType, FI_CSWAP,
				    &one),
		  0);
	EXPECT_EQ(fi_compare_atomicv(ep, &one, nullptr, 1, &one, nullptr, 1,
				     &result, nullptr, 1, 0, 8, 5, kType,
				     FI_CSWAP, &one),
		  0);
	Fetch call(5);
	EXPECT_EQ(fi_atomicmsg(ep, &call.msg, FI_MORE), 0);
	EXPECT_EQ(call.post_to(ep, FI_MORE), 0);
	EXPECT_EQ(fi_compare_atomicmsg(ep, &call.msg, &one, nullptr, 1, &result,
				       nullptr, 1, FI_MORE),
		  0);
	EXPECT_EQ(Inner<&Ops::write>::calls, 1);
	EXPECT_EQ(std::get<0>(Inner<&Ops::write>::args), inner);
	EXPECT_EQ(Inner<&Ops::writev>::calls, 1);
	EXPECT_EQ(Inner<&Ops::inject>::calls, 1);
	EXPECT_EQ(Inner<&Ops::readwrite>::calls, 1);
	EXPECT_EQ(Inner<&Ops::readwritev>::calls, 1);
	EXPECT_EQ(Inner<&Ops::compwrite>::calls, 1);
	EXPECT_EQ(Inner<&Ops::compwritev>::calls, 1);
	EXPECT_EQ(Inner<&Ops::writemsg>::calls, 1);
	EXPECT_EQ(Inner<&Ops::readwritemsg>::calls, 1);
	EXPECT_EQ(Inner<&Ops::compwritemsg>::calls, 1);
	EXPECT_EQ(std::get<8>(Inner<&Ops::compwritemsg>::args), FI_MORE);
}

TEST_F(AppAtomic, ToPersistentKeysIsTheServices)
{
	uint64_t value = 3, was = 9;
	ASSERT_EQ(post([&] {
			  return fi_fetch_atomic(ep, &value, 1, nullptr, &was,
						 nullptr, 0, kBase + 8, key_,
						 FI_UINT64, FI_SUM, &was);
		  }),
		  0);
	fi_cq_msg_entry entry = wait();
	EXPECT_EQ(entry.op_context, &was);
	EXPECT_EQ(entry.flags, uint64_t{FI_ATOMIC | FI_READ});
	EXPECT_EQ(entry.len, 8u);
	EXPECT_EQ(was, 0u);
	EXPECT_EQ(word(8), 3u);
	EXPECT_EQ(Inner<&Ops::readwrite>::calls, 0);
}

TEST_F(AppAtomic, GathersAndScattersAsTheBuffersSay)
{
	Fetch call(key_);
	uint64_t packed[4] = {10, 20, 30, 40};
	call.operands[1] = {packed, 3};
	call.msg.iov_count = 2;
	call.results[0].count = 3;
	call.results[1] = {call.was + 6, 1};
	call.result_count = 2;
	call.ranges[0] = {kBase, 2, key_};
	call.ranges[1] = {kBase + 8, 2, key_};
	call.msg.rma_iov_count = 2;
	ASSERT_EQ(post([&] { return call.post_to(ep); }), 0);
	wait();
	EXPECT_EQ(word(0), 1u);
	EXPECT_EQ(word(8), 30u);
	EXPECT_EQ(word(16), 30u);
	EXPECT_EQ(call.was[2], 10u);
	EXPECT_EQ(call.was[3], 0u);
}

TEST_F(AppAtomic, CountIsThatOfTheInnerProviderOrOfOneRequest)
{
	size_t count = 0;
	ASSERT_EQ(fi_atomicvalid(ep, FI_UINT32, FI_SUM, &count), 0);
	EXPECT_EQ(count, wire::kMaxAtomicBytes / 4);
	ASSERT_EQ(fi_compare_atomicvalid(ep, FI_LONG_DOUBLE, FI_CSWAP, &count),
		  0);
	EXPECT_EQ(count, wire::kMaxAtomicBytes / sizeof(long double));
	count = 77;
	EXPECT_EQ(fi_fetch_atomicvalid(ep, FI_INT8, FI_SUM, &count),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(count, 77u);
	fi_atomic_attr attr{};
	ASSERT_EQ(fi_query_atomic(domain, FI_UINT32, FI_SUM, &attr, 0), 0);
	EXPECT_EQ(attr.count, wire::kMaxAtomicBytes / 4);
}

TEST_F(AppAtomic, AsLargeAsAllowedWorksAndMoreDoesNot)
{
	size_t count = wire::kMaxAtomicBytes / 8;
	std::vector<uint64_t> values(count + 1, 1), was(count + 1);
	auto swap = [&](size_t elements) {
		return post([&] {
			return fi_compare_atomic(
				ep, values.data(), elements, nullptr,
				was.data() + 1, nullptr, was.data(), nullptr, 0,
				kBase, key_, FI_UINT64, FI_CSWAP, &was);
		});
	};
	EXPECT_EQ(swap(count + 1), -FI_EMSGSIZE);
	ASSERT_EQ(swap(count), 0);
	EXPECT_EQ(wait().len, wire::kMaxAtomicBytes);
	EXPECT_EQ(word(8 * (count - 1)), 1u);
}

TEST_F(AppAtomic, WhatTheInnerProviderLacksIsRefused)
{
	Fetch call(key_);
	call.msg.datatype = FI_INT8;
	EXPECT_EQ(call.post_to(ep), -FI_EOPNOTSUPP);
	/* The inner provider has it, the service does not. */
	call.msg.datatype = static_cast<fi_datatype>(FI_UINT128 + 1);
	EXPECT_EQ(call.post_to(ep), -FI_EOPNOTSUPP);
	call.msg.datatype = FI_FLOAT;
	call.msg.op = FI_BXOR;
	EXPECT_EQ(call.post_to(ep), -FI_EOPNOTSUPP);
	inner->atomic = nullptr;
	EXPECT_EQ(call.post_to(ep), -FI_ENOSYS);
	call.ranges[0].key = 5;
	EXPECT_EQ(call.post_to(ep), -FI_ENOSYS);
	inner->atomic = &inner->atomic_table;
}

TEST_F(AppAtomic, ElementsOfAllSidesMustBeAsMany)
{
	auto refused = [&](auto &&change) {
		Fetch call(key_);
		change(call);
		EXPECT_EQ(call.post_to(ep), -FI_EINVAL);
	};
	refused([](Fetch &c) { c.operands[0].count = 2; });
	refused([](Fetch &c) { c.results[0].count = 0; });
	refused([](Fetch &c) { c.ranges[0].count = 2; });
	refused([](Fetch &c) { c.msg.iov_count = 5; });
	refused([](Fetch &c) { c.result_count = 5; });
	refused([](Fetch &c) { c.msg.rma_iov_count = 4; });
	refused([](Fetch &c) { c.operands[0].addr = nullptr; });
	refused([](Fetch &c) { c.results[0].addr = nullptr; });
	/* A sum that wraps to what the others have. */
	refused([](Fetch &c) {
		c.operands[0].count = SIZE_MAX;
		c.operands[1].count = 2;
		c.msg.iov_count = 2;
	});
	/* Keys of two places. */
	refused([](Fetch &c) {
		c.ranges[1].key = 5;
		c.msg.rma_iov_count = 2;
		c.operands[0].count = c.results[0].count = 2;
	});
}

TEST_F(AppAtomic, OperandsOfAReadAreNotLookedAt)
{
	Fetch call(key_);
	call.msg.op = FI_ATOMIC_READ;
	call.msg.msg_iov = nullptr;
	call.msg.iov_count = 1000;
	ASSERT_EQ(post([&] { return call.post_to(ep); }), 0);
	wait();
	uint64_t was = 9;
	ASSERT_EQ(post([&] {
			  return fi_fetch_atomic(
				  ep, nullptr, 1, nullptr, &was, nullptr, 0,
				  kBase, key_, FI_UINT64, FI_ATOMIC_READ, &was);
		  }),
		  0);
	wait();
	EXPECT_EQ(was, 0u);
}

TEST_F(AppAtomic, InjectTakesWhatFitsAndNoMore)
{
	uint64_t values[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
	auto inject = [&](size_t count) {
		return post([&] {
			return fi_inject_atomic(ep, values, count, 0, kBase,
						key_, FI_UINT64, FI_SUM);
		});
	};
	EXPECT_EQ(inject(9), -FI_EMSGSIZE);
	ASSERT_EQ(inject(8), 0);
	values[0] = 1000;
	Fetch read(key_);
	read.msg.op = FI_ATOMIC_READ;
	ASSERT_EQ(post([&] { return read.post_to(ep); }), 0);
	/* The inject reports nothing: this is the only completion. */
	EXPECT_EQ(wait().op_context, &read);
	EXPECT_EQ(read.was[0], 1u);
}

TEST_F(AppAtomic, CommitToAnOrdinaryKeyIsRefused)
{
	Fetch call(5);
	EXPECT_EQ(call.post_to(ep, FI_COMMIT_COMPLETE), -FI_EINVAL);
	uint64_t flags = FI_TRANSMIT | FI_COMMIT_COMPLETE;
	ASSERT_EQ(fi_control(&ep->fid, FI_SETOPSFLAG, &flags), 0);
	uint64_t value = 1, was = 0;
	EXPECT_EQ(fi_inject_atomic(ep, &value, 1, 0, 8, 5, FI_UINT64, FI_SUM),
		  -FI_EINVAL);
	EXPECT_EQ(Inner<&Ops::inject>::calls, 0);
	/* The default is about what modifies. */
	EXPECT_EQ(fi_fetch_atomic(ep, nullptr, 1, nullptr, &was, nullptr, 0, 8,
				  5, FI_UINT64, FI_ATOMIC_READ, &was),
		  0);
	EXPECT_EQ(Inner<&Ops::readwrite>::calls, 1);
}

TEST_F(AppAtomic, DefaultCommitIsKept)
{
	uint64_t flags = FI_TRANSMIT | FI_COMMIT_COMPLETE;
	ASSERT_EQ(fi_control(&ep->fid, FI_SETOPSFLAG, &flags), 0);
	uint64_t value = 7;
	ASSERT_EQ(post([&] {
			  return fi_atomic(ep, &value, 1, nullptr, 0, kBase,
					   key_, FI_UINT64, FI_SUM, &value);
		  }),
		  0);
	EXPECT_EQ(wait().flags, uint64_t{FI_ATOMIC | FI_WRITE});
	std::lock_guard guard(medium_.mutex);
	EXPECT_EQ(medium_.durable[0], 7);
}

TEST_F(AppAtomic, FlagsOfOtherOperationsAreRefused)
{
	Fetch call(key_);
	for (uint64_t flag : {uint64_t{FI_REMOTE_CQ_DATA}, uint64_t{FI_TAGGED},
			      uint64_t{FI_MULTICAST}})
		EXPECT_EQ(call.post_to(ep, flag), -FI_EBADFLAGS);
}

/* Programs free ordinary memory while they work in other regions. */
TEST_F(AppAtomic, ClosingMemoryTakenByForceDisturbsNobody)
{
	std::vector<uint8_t> ordinary(4096);
	RegionRequest request{};
	request.memory = ordinary.data();
	request.len = ordinary.size();
	request.base = kBase;
	request.access = FI_REMOTE_READ | FI_REMOTE_WRITE;
	request.backend = std::make_unique<VolatileBackend>(ordinary.data());
	Key other(0);
	ASSERT_EQ(persistence().add_region(std::move(request), &other), 0);
	uint64_t value = 1;
	auto add_to = [&](uint64_t key) {
		return fi_atomic(ep, &value, 1, nullptr, 0, kBase, key,
				 FI_UINT64, FI_SUM, nullptr);
	};
	ASSERT_EQ(post([&] { return add_to(other.value()); }), 0);
	wait();
	EXPECT_EQ(ordinary[0], 1);
	ASSERT_EQ(post([&] { return add_to(key_); }), 0);
	wait();

	persistence().remove_region(other);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(fi_cq_read(cq, nullptr, 0), -FI_EAGAIN);
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}
	/* At the first attempt: the channel is still there. */
	ASSERT_EQ(add_to(key_), 0);
	wait();
	EXPECT_EQ(word(0), 2u);
}

/*
 * Every region is persistent (FI_OFI_PMEM_REGIONS=all), over tcp, which has no
 * atomics: what there is, is the service's. Open MPI's BTL ofi needs it so.
 */
class AppOwnAtomic : public AppAtomic
{
protected:
	void SetUp() override
	{
		setenv("FI_OFI_PMEM_REGIONS", "all", 1);
		ASSERT_EQ(load_params(), 0);
		AppAtomic::SetUp();
	}
	void TearDown() override
	{
		AppAtomic::TearDown();
		unsetenv("FI_OFI_PMEM_REGIONS");
		ASSERT_EQ(load_params(), 0);
	}
};

TEST_F(AppOwnAtomic, TheInnerProviderIsNotAskedForAny)
{
	EXPECT_FALSE(inner_domain->ep_caps & FI_ATOMIC);
	EXPECT_TRUE(inner_domain->ep_caps & FI_RMA);
}

TEST_F(AppOwnAtomic, ValidIsWhatTheServiceHas)
{
	constexpr size_t kCount = wire::kMaxAtomicBytes / 8;
	size_t count = 0;
	EXPECT_EQ(fi_atomicvalid(ep, FI_UINT64, FI_SUM, &count), 0);
	EXPECT_EQ(count, kCount);
	EXPECT_EQ(fi_fetch_atomicvalid(ep, FI_UINT64, FI_ATOMIC_READ, &count),
		  0);
	EXPECT_EQ(count, kCount);
	EXPECT_EQ(fi_compare_atomicvalid(ep, FI_UINT64, FI_CSWAP, &count), 0);
	EXPECT_EQ(count, kCount);

	EXPECT_EQ(fi_atomicvalid(ep, FI_UINT64, FI_CSWAP, &count),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(fi_atomicvalid(ep, FI_UINT64, FI_ATOMIC_READ, &count),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(fi_fetch_atomicvalid(ep, FI_UINT64, FI_CSWAP, &count),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(fi_compare_atomicvalid(ep, FI_UINT64, FI_SUM, &count),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(fi_atomicvalid(ep, FI_DOUBLE, FI_BXOR, &count),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(count, kCount);
}

TEST_F(AppOwnAtomic, QueryAgrees)
{
	fi_atomic_attr attr{};
	EXPECT_EQ(fi_query_atomic(domain, FI_UINT32, FI_SUM, &attr, 0), 0);
	EXPECT_EQ(attr.count, wire::kMaxAtomicBytes / 4);
	EXPECT_EQ(attr.size, 4u);
	EXPECT_EQ(fi_query_atomic(domain, FI_UINT32, FI_CSWAP, &attr,
				  FI_COMPARE_ATOMIC),
		  0);
	EXPECT_EQ(fi_query_atomic(domain, FI_UINT32, FI_ATOMIC_READ, &attr,
				  FI_FETCH_ATOMIC),
		  0);
	EXPECT_EQ(fi_query_atomic(domain, FI_UINT32, FI_CSWAP, &attr, 0),
		  -FI_EOPNOTSUPP);
}

TEST_F(AppOwnAtomic, ToPersistentKeysIsTheServices)
{
	uint64_t value = 3, compare = 0, was = 9;
	ASSERT_EQ(post([&] {
			  return fi_compare_atomic(ep, &value, 1, nullptr,
						   &compare, nullptr, &was,
						   nullptr, 0, kBase + 8, key_,
						   FI_UINT64, FI_CSWAP, &was);
		  }),
		  0);
	EXPECT_EQ(wait().op_context, &was);
	EXPECT_EQ(was, 0u);
	EXPECT_EQ(word(8), 3u);
}

TEST_F(AppOwnAtomic, ToOrdinaryKeysOfOthersIsRefused)
{
	uint64_t value = 1;
	inner->atomic = nullptr;
	EXPECT_EQ(fi_atomic(ep, &value, 1, nullptr, 0, 8, 5, FI_UINT64, FI_SUM,
			    &value),
		  -FI_ENOSYS);
}

} // namespace

} // namespace ofi_pmem
