/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomics on a persistent region of a target that sleeps: what each call, flag
 * and mistake does, and that bytes are durable when a completion promised it.
 */
#include "common/atomics.hh"

#include <gtest/gtest.h>

#include <numeric>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 1 << 20;

class PmemAtomic : public testing::TestWithParam<Memory>
{
protected:
	PmemAtomic()
		: file(kRegionLen), target(Stack::rdm, GetParam()),
		  region(target.add_file(file.path(), kRegionLen)),
		  initiator(atomic_options())
	{
		target.connect(initiator.node());
	}

	AtomicCall call(uint64_t offset, fi_op op, size_t count = 1)
	{
		return {initiator, region, offset, FI_UINT64, op, count};
	}

	/* Adds `value`, awaits that; what was there before. */
	uint64_t fetch_add(uint64_t offset, uint64_t value, uint64_t flags = 0)
	{
		auto add = call(offset, FI_SUM);
		uint64_t was = 0;
		initiator.expect_success(add.fetch(initiator, &value, &was,
						   flags | FI_COMPLETION),
					 &add.context);
		return was;
	}

	uint64_t in_memory(uint64_t offset)
	{
		Bytes bytes = initiator.read_and_wait(region, offset, 8);
		uint64_t value;
		memcpy(&value, bytes.data(), sizeof(value));
		return value;
	}

	/* Returns what is left if the target loses power now. */
	uint64_t durable(uint64_t offset)
	{
		target.kill();
		uint64_t value;
		memcpy(&value, file.read(offset, 8).data(), sizeof(value));
		return value;
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
	Initiator initiator;
};

TEST_P(PmemAtomic, FetchReturnsWhatWasThereBefore)
{
	EXPECT_EQ(fetch_add(64, 5), 0u);
	EXPECT_EQ(fetch_add(64, 7), 5u);
	EXPECT_EQ(in_memory(64), 12u);
}

TEST_P(PmemAtomic, CompareSwapsOnlyWhatIsEqual)
{
	uint64_t values[] = {10, 20};
	uint64_t expected[] = {0, 1};
	uint64_t was[] = {99, 99};
	auto swap = call(0, FI_CSWAP, 2);
	initiator.expect_success(
		swap.swap(initiator, values, expected, was, FI_COMPLETION),
		&swap.context);
	EXPECT_EQ(was[0], 0u);
	EXPECT_EQ(was[1], 0u);
	EXPECT_EQ(in_memory(0), 10u);
	EXPECT_EQ(in_memory(8), 0u);
}

/* Alignment is nothing that libfabric asks for. */
TEST_P(PmemAtomic, UnalignedElementsAreFine)
{
	EXPECT_EQ(fetch_add(61, 0x0102030405060708), 0u);
	EXPECT_EQ(fetch_add(61, 1), 0x0102030405060708u);
	EXPECT_EQ(in_memory(61), 0x0102030405060709u);
	EXPECT_EQ(in_memory(53), 0u);
	EXPECT_EQ(in_memory(69), 0u);
}

TEST_P(PmemAtomic, ReadNeedsNoOperand)
{
	fetch_add(8, 41);
	auto read = call(8, FI_ATOMIC_READ);
	read.msg.msg_iov = nullptr;
	read.msg.iov_count = 0;
	uint64_t was = 0;
	initiator.expect_success(
		read.fetch(initiator, nullptr, &was, FI_COMPLETION),
		&read.context);
	EXPECT_EQ(was, 41u);
}

TEST_P(PmemAtomic, CallsWithoutAMessageStructureWork)
{
	fid_ep *ep = initiator.ep();
	fi_addr_t peer = initiator.peer();
	uint64_t one = 1, two = 2, was = 0;
	fi_context2 context{};
	fi_ioc operand{&two, 1}, compare{&one, 1}, result{&was, 1};
	auto expect = [&](auto &&post, uint64_t wanted) {
		initiator.expect_success(initiator.post(post), &context);
		EXPECT_EQ(was, wanted);
	};
	expect(
		[&] {
			return fi_atomic(ep, &one, 1, nullptr, peer,
					 region.base, region.key, FI_UINT64,
					 FI_SUM, &context);
		},
		0);
	expect(
		[&] {
			return fi_atomicv(ep, &operand, nullptr, 1, peer,
					  region.base, region.key, FI_UINT64,
					  FI_SUM, &context);
		},
		0);
	EXPECT_EQ(initiator.post([&] {
		return fi_inject_atomic(ep, &one, 1, peer, region.base,
					region.key, FI_UINT64, FI_SUM);
	}),
		  0);
	expect(
		[&] {
			return fi_fetch_atomic(ep, &one, 1, nullptr, &was,
					       nullptr, peer, region.base,
					       region.key, FI_UINT64, FI_SUM,
					       &context);
		},
		4);
	expect(
		[&] {
			return fi_fetch_atomicv(
				ep, &operand, nullptr, 1, &result, nullptr, 1,
				peer, region.base, region.key, FI_UINT64,
				FI_ATOMIC_WRITE, &context);
		},
		5);
	expect(
		[&] {
			return fi_compare_atomic(ep, &one, 1, nullptr, &two,
						 nullptr, &was, nullptr, peer,
						 region.base, region.key,
						 FI_UINT64, FI_CSWAP, &context);
		},
		2);
	expect(
		[&] {
			return fi_compare_atomicv(
				ep, &operand, nullptr, 1, &compare, nullptr, 1,
				&result, nullptr, 1, peer, region.base,
				region.key, FI_UINT64, FI_CSWAP, &context);
		},
		1);
	EXPECT_EQ(in_memory(0), 2u);
}

/* Several ranges, in several regions, from and into several buffers. */
TEST_P(PmemAtomic, RangesAndBuffersNeedNotMatch)
{
	if (initiator.node().info->tx_attr->rma_iov_limit < 3)
		GTEST_SKIP() << "an operation has fewer than three ranges";
	RegionFile second_file(kRegionLen);
	RemoteRegion second = target.add_file(second_file.path(), kRegionLen);
	uint64_t operands[] = {1, 2, 3, 4, 5, 6};
	uint64_t was[6] = {9, 9, 9, 9, 9, 9};
	fi_ioc operand[] = {{operands, 1}, {operands + 1, 5}};
	fi_ioc result[] = {{was, 4}, {was + 4, 2}};
	fi_rma_ioc ranges[] = {{region.base + 8, 2, region.key},
			       {second.base + 800, 3, second.key},
			       {region.base + 8, 1, region.key}};
	auto add = call(0, FI_SUM);
	add.msg.msg_iov = operand;
	add.msg.iov_count = 2;
	add.msg.rma_iov = ranges;
	add.msg.rma_iov_count = 3;
	initiator.expect_success(initiator.post([&] {
		return fi_fetch_atomicmsg(initiator.ep(), &add.msg, result,
					  nullptr, 2,
					  FI_COMMIT_COMPLETE | FI_COMPLETION);
	}),
				 &add.context);
	/* The last range is the first one's first element. */
	EXPECT_EQ((std::vector<uint64_t>(was, was + 6)),
		  (std::vector<uint64_t>{0, 0, 0, 0, 0, 1}));
	EXPECT_EQ(durable(8), 7u);
	uint64_t stored[3];
	memcpy(stored, second_file.read(800, 24).data(), sizeof(stored));
	EXPECT_EQ(stored[0], 3u);
	EXPECT_EQ(stored[2], 5u);
}

TEST_P(PmemAtomic, AsManyElementsAsOffered)
{
	size_t count = 0;
	ASSERT_EQ(fi_compare_atomicvalid(initiator.ep(), FI_UINT64, FI_MSWAP,
					 &count),
		  0);
	std::vector<uint64_t> values(count), masks(count, 0xff), was(count);
	std::iota(values.begin(), values.end(), 0x500);
	auto swap = call(16, FI_MSWAP, count);
	initiator.expect_success(swap.swap(initiator, values.data(),
					   masks.data(), was.data(),
					   FI_COMPLETION),
				 &swap.context);
	EXPECT_EQ(in_memory(16 + 8 * (count - 1)), (0x500 + count - 1) & 0xff);
	auto more = call(0, FI_MSWAP, count + 1);
	EXPECT_EQ(more.swap(initiator, values.data(), masks.data(), was.data(),
			    FI_COMPLETION),
		  -FI_EMSGSIZE);
}

TEST_P(PmemAtomic, QueryAgreesWithTheEndpoint)
{
	fi_atomic_attr attr{};
	size_t count = 0;
	ASSERT_EQ(fi_query_atomic(initiator.node().domain.get(), FI_UINT32,
				  FI_SUM, &attr, FI_FETCH_ATOMIC),
		  0);
	ASSERT_EQ(
		fi_fetch_atomicvalid(initiator.ep(), FI_UINT32, FI_SUM, &count),
		0);
	EXPECT_EQ(attr.count, count);
	EXPECT_EQ(attr.size, 4u);
}

TEST_P(PmemAtomic, CommitIsInTheFileWhenItCompletes)
{
	uint64_t values[] = {3};
	auto add = call(8, FI_SUM);
	initiator.expect_success(
		add.base(initiator, values, FI_COMMIT_COMPLETE | FI_COMPLETION),
		&add.context);
	EXPECT_EQ(durable(8), 3u);
}

TEST_P(PmemAtomic, CommittedFetchIsInTheFileWhenItCompletes)
{
	EXPECT_EQ(fetch_add(8, 3, FI_COMMIT_COMPLETE), 0u);
	EXPECT_EQ(fetch_add(8, 4, FI_COMMIT_COMPLETE), 3u);
	EXPECT_EQ(durable(8), 7u);
}

/* Another initiator may have stored what it found, and not flushed it. */
TEST_P(PmemAtomic, CommittedReadReturnsWhatIsDurable)
{
	fetch_add(8, 3);
	auto read = call(8, FI_ATOMIC_READ);
	uint64_t was = 0;
	initiator.expect_success(read.fetch(initiator, nullptr, &was,
					    FI_COMMIT_COMPLETE | FI_COMPLETION),
				 &read.context);
	EXPECT_EQ(was, 3u);
	EXPECT_EQ(durable(8), 3u);
}

TEST_P(PmemAtomic, DeliveredIsDurableAfterADrain)
{
	uint64_t one = 1;
	for (uint64_t offset = 0; offset < 640; offset += 8)
		ASSERT_EQ(initiator.post([&] {
			return fi_inject_atomic(initiator.ep(), &one, 1,
						initiator.peer(),
						region.base + offset,
						region.key, FI_UINT64, FI_SUM);
		}),
			  0);
	fetch_add(640, 5, FI_DELIVERY_COMPLETE);
	initiator.drain_and_wait(region);
	EXPECT_EQ(durable(640), 5u);
	Bytes found = file.read(0, 640);
	for (size_t at = 0; at < 640; at += 8)
		EXPECT_EQ(found[at], 1);
}

TEST_P(PmemAtomic, FencedCommitMakesEarlierWritesDurable)
{
	initiator.write_and_wait(region, 4096, pattern(1, 50000), 0);
	initiator.write_and_wait(region, 100, pattern(2, 50), 0);
	EXPECT_EQ(fetch_add(8, 3, kFencedCommit), 0u);
	EXPECT_EQ(durable(8), 3u);
	EXPECT_EQ(difference(file.read(4096, 50000), pattern(1, 50000)), "");
	EXPECT_EQ(difference(file.read(100, 50), pattern(2, 50)), "");
}

/* Writes on both sides of the inline limit, atomics and reads, not awaited. */
TEST_P(PmemAtomic, IsInOrderWithWritesAndReadsOfTheSameBytes)
{
	for (size_t len : {size_t{8}, size_t{100000}}) {
		uint64_t value = 1;
		LocalBuffer ones(initiator.node(), Bytes(len, 1));
		LocalBuffer into(initiator.node(), len);
		uint64_t was[2] = {};
		fi_context2 contexts[2];
		auto first = call(8, FI_SUM);
		auto second = call(8, FI_SUM);
		ASSERT_EQ(initiator.write(region, 8, ones, FI_COMPLETION,
					  &contexts[0]),
			  0);
		ASSERT_EQ(
			first.fetch(initiator, &value, &was[0], FI_COMPLETION),
			0);
		ASSERT_EQ(
			second.fetch(initiator, &value, &was[1], FI_COMPLETION),
			0);
		ASSERT_EQ(initiator.read(region, 8, into, &contexts[1]), 0);
		for (int i = 0; i < 4; i++)
			EXPECT_EQ(initiator.completions().wait().err, 0);
		EXPECT_EQ(was[0], 0x0101010101010101u);
		EXPECT_EQ(was[1], 0x0101010101010102u);
		EXPECT_EQ(into.bytes[0], 3);
		if (len > 8) {
			EXPECT_EQ(into.bytes[len - 1], 1);
		}
	}
}

TEST_P(PmemAtomic, MisuseIsRefusedAtTheCall)
{
	uint64_t value = 1, was = 0;
	auto post = [&](auto &&change, uint64_t flags = FI_COMPLETION) {
		auto add = call(0, FI_SUM);
		change(add);
		return add.fetch(initiator, &value, &was, flags);
	};
	auto nothing = [](AtomicCall &) {};
	EXPECT_EQ(post(nothing, FI_REMOTE_CQ_DATA), -FI_EBADFLAGS);
	EXPECT_EQ(post(nothing, FI_TAGGED), -FI_EBADFLAGS);
	EXPECT_EQ(post([](AtomicCall &c) { c.msg.op = FI_CSWAP; }),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(post([](AtomicCall &c) {
			  c.msg.datatype = FI_FLOAT;
			  c.msg.op = FI_BOR;
		  }),
		  -FI_EOPNOTSUPP);
	EXPECT_EQ(post([](AtomicCall &c) { c.result.count = 2; }), -FI_EINVAL);
	EXPECT_EQ(post([](AtomicCall &c) { c.operand.count = 2; }), -FI_EINVAL);
	EXPECT_EQ(post([](AtomicCall &c) { c.msg.iov_count = 1000; }),
		  -FI_EINVAL);
	EXPECT_EQ(post([](AtomicCall &c) { c.target.addr += kRegionLen - 7; }),
		  -FI_EINVAL);
	EXPECT_EQ(post([](AtomicCall &c) { c.target.key ^= 1; }), -FI_ENOKEY);
	EXPECT_EQ(fetch_add(0, 0), 0u);
}

TEST_P(PmemAtomic, ToAClosedRegionFails)
{
	fetch_add(0, 1);
	target.close_region(region);
	auto add = call(0, FI_SUM);
	uint64_t value = 1, was = 0;
	Failure failure = outcome(
		initiator, add.fetch(initiator, &value, &was, FI_COMPLETION),
		&add.context);
	EXPECT_NE(failure.err, 0);
	if (!failure.at_call) {
		EXPECT_EQ(failure.completion.flags,
			  uint64_t{FI_ATOMIC | FI_READ});
	}
}

INSTANTIATE_TEST_SUITE_P(Memories, PmemAtomic, testing::ValuesIn(memories()),
			 CaseName());

/* Completions: counters, selective reports, formats. */
class PmemAtomicCompletion : public testing::Test
{
protected:
	PmemAtomicCompletion()
		: file(kRegionLen), target(Stack::rdm, Memory::powerfail),
		  region(target.add_file(file.path(), kRegionLen))
	{
	}

	std::unique_ptr<Initiator> connected(const NodeOptions &options)
	{
		auto initiator = std::make_unique<Initiator>(options);
		target.connect(initiator->node());
		return initiator;
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
};

TEST_F(PmemAtomicCompletion, FlagsTellBaseAndFetchApart)
{
	auto initiator = connected(atomic_options());
	uint64_t value = 1, was = 0;
	AtomicCall call(*initiator, region, 0, FI_UINT64, FI_SUM);
	Completion done = initiator->expect_success(
		call.base(*initiator, &value, FI_COMPLETION), &call.context);
	EXPECT_EQ(done.flags, uint64_t{FI_ATOMIC | FI_WRITE});
	done = initiator->expect_success(
		call.fetch(*initiator, &value, &was, FI_COMPLETION),
		&call.context);
	EXPECT_EQ(done.flags, uint64_t{FI_ATOMIC | FI_READ});
	call.msg.op = FI_CSWAP;
	done = initiator->expect_success(
		call.swap(*initiator, &value, &value, &was, FI_COMPLETION),
		&call.context);
	EXPECT_EQ(done.flags, uint64_t{FI_ATOMIC | FI_READ});
}

TEST_F(PmemAtomicCompletion, CountersCountFetchesAsReads)
{
	NodeOptions options = atomic_options();
	options.counters = true;
	options.tx_bind_flags = FI_SELECTIVE_COMPLETION;
	auto initiator = connected(options);
	uint64_t value = 1, was = 0;
	AtomicCall call(*initiator, region, 0, FI_UINT64, FI_SUM);
	ASSERT_EQ(call.base(*initiator, &value, FI_COMMIT_COMPLETE), 0);
	ASSERT_EQ(call.base(*initiator, &value, FI_INJECT), 0);
	ASSERT_EQ(call.fetch(*initiator, &value, &was, 0), 0);
	auto reached = [&](const FidPtr<fid_cntr> &counter, uint64_t wanted) {
		Deadline deadline;
		while (fi_cntr_read(counter.get()) < wanted)
			deadline.spin("a counter stands still");
		EXPECT_EQ(fi_cntr_read(counter.get()), wanted);
	};
	reached(initiator->node().write_cntr, 2);
	reached(initiator->node().read_cntr, 1);
	EXPECT_EQ(was, 2u);
	Completion none;
	EXPECT_FALSE(initiator->completions().poll_one(&none));
	target.kill();
	EXPECT_GE(file.read(0, 1)[0], 1);
}

TEST_F(PmemAtomicCompletion, DefaultCommitCommitsAtomicsToo)
{
	NodeOptions options = atomic_options();
	options.op_flags = FI_COMMIT_COMPLETE;
	auto initiator = connected(options);
	uint64_t value = 7;
	fi_context2 context{};
	initiator->expect_success(initiator->post([&] {
		return fi_atomic(initiator->ep(), &value, 1, nullptr,
				 initiator->peer(), region.base, region.key,
				 FI_UINT64, FI_SUM, &context);
	}),
				  &context);
	target.kill();
	EXPECT_EQ(file.read(0, 1)[0], 7);
}

} // namespace
