/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * RMA to a persistent region of a target that sleeps: what each operation and
 * flag does, over connected and connectionless endpoints and every kind of
 * memory. Durable bytes are those that a fresh open() of the file reads after
 * the target was killed.
 */
#include "common/initiator.hh"

#include <gtest/gtest.h>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 4 << 20;

/*
 * The sizes are on both sides of the limit for writes that travel in their
 * request.
 */
const size_t kSizes[] = {1,    7,    8,	    64,	   100,	    4095,
			 4096, 4097, 65536, 65537, 1 << 20, (3 << 20) + 17};

class PmemRma : public testing::TestWithParam<Setup>
{
protected:
	PmemRma()
		: file(kRegionLen), target(GetParam().stack, GetParam().memory),
		  region(target.add_file(file.path(), kRegionLen))
	{
	}

	NodeOptions options() const
	{
		NodeOptions node_options;
		node_options.stack = GetParam().stack;
		return node_options;
	}

	/* Compares what is left if the target loses power now. */
	void expect_durable(uint64_t offset, const Bytes &wanted)
	{
		target.kill();
		EXPECT_EQ(difference(file.read(offset, wanted.size()), wanted),
			  "");
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
	fi_context2 context{};
};

class PmemRmaDefault : public PmemRma
{
protected:
	PmemRmaDefault() : initiator(options())
	{
		target.connect(initiator.node());
	}

	/* The target awaits a completion with remote CQ data. */
	void expect_remote_data()
	{
		if (initiator.node().data_takes_receive())
			target.post_recv();
		target.start_read_cq();
	}

	/*
	 * Returns the bytes of CQ data that the provider carries: 4 on verbs.
	 */
	uint64_t remote_data() const
	{
		return UINT64_C(0x1122334455667788) &
		       (UINT64_MAX >>
			(64 -
			 8 * initiator.node().info->domain_attr->cq_data_size));
	}

	Initiator initiator;
};

TEST_P(PmemRmaDefault, WriteIsReadBack)
{
	uint64_t offset = 3;
	for (size_t len : kSizes) {
		SCOPED_TRACE(len);
		Bytes wanted = pattern(len, len);
		initiator.write_and_wait(region, offset, wanted, 0);
		EXPECT_EQ(
			difference(initiator.read_and_wait(region, offset, len),
				   wanted),
			"");
		offset += 5;
	}
}

TEST_P(PmemRmaDefault, CommitIsInTheFileWhenItCompletes)
{
	for (size_t len : kSizes) {
		SCOPED_TRACE(len);
		Bytes wanted = pattern(len, len);
		initiator.write_and_wait(region, len % 61, wanted,
					 FI_COMMIT_COMPLETE);
		EXPECT_EQ(difference(file.read(len % 61, len), wanted), "");
	}
}

TEST_P(PmemRmaDefault, CommitSurvivesAKill)
{
	Bytes wanted = pattern(1, 100000);
	initiator.write_and_wait(region, 7, wanted, FI_COMMIT_COMPLETE);
	expect_durable(7, wanted);
}

TEST_P(PmemRmaDefault, FencedCommitMakesEarlierWritesDurable)
{
	constexpr size_t kWrites = 16;
	std::vector<std::unique_ptr<LocalBuffer>> buffers;
	Bytes wanted;
	fi_context2 contexts[kWrites] = {};
	for (size_t i = 0; i < kWrites; i++) {
		size_t len = i % 2 ? 10000 + i : 100 + i;
		Bytes part = pattern(i, len);
		buffers.push_back(
			std::make_unique<LocalBuffer>(initiator.node(), part));
		check(initiator.write(region, wanted.size(), *buffers.back(),
				      i + 1 == kWrites ? kFencedCommit : 0,
				      &contexts[i]),
		      "fi_writemsg");
		wanted.insert(wanted.end(), part.begin(), part.end());
	}
	for (size_t i = 0; i < kWrites; i++) {
		Completion completion = initiator.completions().wait();
		ASSERT_EQ(completion.err, 0) << completion.text;
		if (completion.context == &contexts[kWrites - 1])
			break;
	}
	expect_durable(0, wanted);
}

TEST_P(PmemRmaDefault, DrainOfNoBytesMakesEarlierWritesDurable)
{
	Bytes small = pattern(1, 64);
	Bytes large = pattern(2, 200000);
	initiator.write_and_wait(region, 0, small, 0);
	initiator.write_and_wait(region, 4096, large, 0);
	initiator.drain_and_wait(region);
	target.kill();
	EXPECT_EQ(difference(file.read(0, small.size()), small), "");
	EXPECT_EQ(difference(file.read(4096, large.size()), large), "");
}

TEST_P(PmemRmaDefault, DrainWithoutWritesCompletes)
{
	initiator.drain_and_wait(region);
	LocalBuffer none(initiator.node(), 8);
	initiator.expect_success(initiator.write(region, 0, none, 0, 0,
						 FI_COMMIT_COMPLETE, &context),
				 &context);
}

TEST_P(PmemRmaDefault, DeliveryCompleteIsVisibleAtTheTarget)
{
	for (size_t len : kSizes) {
		SCOPED_TRACE(len);
		Bytes wanted = pattern(len, len);
		initiator.write_and_wait(region, 11, wanted,
					 FI_DELIVERY_COMPLETE);
		EXPECT_EQ(target.peek(region, 11, len),
			  hash(wanted.data(), len));
	}
}

TEST_P(PmemRmaDefault, TransmitCompleteCompletes)
{
	Bytes wanted = pattern(5, 9000);
	initiator.write_and_wait(region, 0, wanted, FI_TRANSMIT_COMPLETE);
	EXPECT_EQ(difference(initiator.read_and_wait(region, 0, wanted.size()),
			     wanted),
		  "");
}

TEST_P(PmemRmaDefault, InjectedWriteIsDurableAfterADrain)
{
	size_t len = std::min<size_t>(
		64, initiator.node().info->tx_attr->inject_size);
	ASSERT_GT(len, 0u);
	Bytes wanted = pattern(4, len);
	Bytes scratch = wanted;
	check(initiator.post([&] {
		return fi_inject_write(initiator.ep(), scratch.data(), len,
				       initiator.peer(), region.base + 100,
				       region.key);
	}),
	      "fi_inject_write");
	/* The buffer is the caller's again, at once. */
	std::fill(scratch.begin(), scratch.end(), uint8_t{0xee});
	/* No completion of its own: the next one is the drain's. */
	initiator.drain_and_wait(region);
	expect_durable(100, wanted);
}

TEST_P(PmemRmaDefault, CommitWithInjectFlagFreesTheBufferAtOnce)
{
	size_t len = std::min<size_t>(
		64, initiator.node().info->tx_attr->inject_size);
	Bytes wanted = pattern(4, len);
	LocalBuffer from(initiator.node(), wanted);
	check(initiator.write(region, 5, from, FI_INJECT | FI_COMMIT_COMPLETE,
			      &context),
	      "fi_writemsg");
	std::fill(from.bytes.begin(), from.bytes.end(), uint8_t{0xee});
	initiator.expect_success(&context);
	expect_durable(5, wanted);
}

TEST_P(PmemRmaDefault, GatheredWriteArrivesInOrder)
{
	Bytes wanted = pattern(6, 9000);
	LocalBuffer from(initiator.node(), wanted);
	iovec iov[] = {{from.data(), 10},
		       {from.data() + 10, 5000},
		       {from.data() + 5010, 3990}};
	void *desc[] = {from.desc(), from.desc(), from.desc()};
	ASSERT_GE(initiator.node().info->tx_attr->iov_limit, 3u);
	ssize_t ret = initiator.post([&] {
		return fi_writev(initiator.ep(), iov, desc, 3, initiator.peer(),
				 region.base + 77, region.key, &context);
	});
	initiator.expect_success(ret, &context);
	initiator.drain_and_wait(region);
	expect_durable(77, wanted);
}

TEST_P(PmemRmaDefault, CommitOfSeveralRangesReachesEach)
{
	if (initiator.node().info->tx_attr->rma_iov_limit < 3)
		GTEST_SKIP() << "an operation has fewer than three ranges";
	for (size_t len : {size_t{300}, size_t{30000}}) {
		SCOPED_TRACE(len);
		Bytes wanted = pattern(len, len);
		LocalBuffer from(initiator.node(), wanted);
		size_t third = len / 3;
		iovec iov[] = {{from.data(), len / 2},
			       {from.data() + len / 2, len - len / 2}};
		void *desc[] = {from.desc(), from.desc()};
		fi_rma_iov rma[] = {
			{region.base + 500000, third, region.key},
			{region.base + 9, third, region.key},
			{region.base + 200000, len - 2 * third, region.key}};
		fi_msg_rma msg{};
		msg.msg_iov = iov;
		msg.desc = desc;
		msg.iov_count = 2;
		msg.addr = initiator.peer();
		msg.rma_iov = rma;
		msg.rma_iov_count = 3;
		msg.context = &context;
		ssize_t ret = initiator.post([&] {
			return fi_writemsg(initiator.ep(), &msg,
					   FI_COMMIT_COMPLETE);
		});
		initiator.expect_success(ret, &context);
		Bytes got = file.read(500000, third);
		for (size_t i : {1, 2}) {
			Bytes part = file.read(rma[i].addr - region.base,
					       rma[i].len);
			got.insert(got.end(), part.begin(), part.end());
		}
		EXPECT_EQ(difference(got, wanted), "");
	}
}

TEST_P(PmemRmaDefault, ScatteredReadFillsEachBuffer)
{
	Bytes wanted = pattern(8, 12000);
	initiator.write_and_wait(region, 50, wanted, 0);
	LocalBuffer into(initiator.node(), wanted.size());
	iovec iov[] = {{into.data(), 1000}, {into.data() + 1000, 11000}};
	void *desc[] = {into.desc(), into.desc()};
	size_t ranges = std::min<size_t>(
		initiator.node().info->tx_attr->rma_iov_limit, 2);
	fi_rma_iov rma[] = {{region.base + 50, 12000 / ranges, region.key},
			    {region.base + 6050, 6000, region.key}};
	fi_msg_rma msg{};
	msg.msg_iov = iov;
	msg.desc = desc;
	msg.iov_count = 2;
	msg.addr = initiator.peer();
	msg.rma_iov = rma;
	msg.rma_iov_count = ranges;
	msg.context = &context;
	ssize_t ret = initiator.post(
		[&] { return fi_readmsg(initiator.ep(), &msg, 0); });
	Completion completion = initiator.expect_success(ret, &context);
	EXPECT_EQ(completion.flags & (FI_RMA | FI_READ | FI_WRITE),
		  FI_RMA | FI_READ);
	EXPECT_EQ(difference(into.bytes, wanted), "");
}

TEST_P(PmemRmaDefault, ReadCommitsIntoAPersistentLocalBuffer)
{
	if (!strcmp(core_provider(), "verbs") && !dax_device())
		GTEST_SKIP() << "verbs registers no file of ext4";
	Bytes wanted = pattern(9, 70000);
	initiator.write_and_wait(region, 0, wanted, 0);
	RegionFile local_file(1 << 17);
	Mapping local(local_file.path(), 1 << 17);
	FidPtr<fid_mr> mr = initiator.node().register_memory(
		local.data(), local.size(), FI_READ | FI_WRITE, FI_RMA_PMEM);
	iovec iov{local.data() + 10, wanted.size()};
	void *desc = fi_mr_desc(mr.get());
	fi_rma_iov rma{region.base, wanted.size(), region.key};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = initiator.peer();
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.context = &context;
	ssize_t ret = initiator.post([&] {
		return fi_readmsg(initiator.ep(), &msg, FI_COMMIT_COMPLETE);
	});
	initiator.expect_success(ret, &context);
	EXPECT_EQ(difference(local_file.read(10, wanted.size()), wanted), "");
}

TEST_P(PmemRmaDefault, RemoteDataFollowsTheCommit)
{
	Bytes wanted = pattern(10, 20000);
	LocalBuffer from(initiator.node(), wanted);
	expect_remote_data();
	iovec iov{from.data(), from.size()};
	void *desc = from.desc();
	fi_rma_iov rma{region.base + 1, from.size(), region.key};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = initiator.peer();
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.context = &context;
	msg.data = remote_data();
	ssize_t ret = initiator.post([&] {
		return fi_writemsg(initiator.ep(), &msg,
				   FI_COMMIT_COMPLETE | FI_REMOTE_CQ_DATA);
	});
	check(ret, "an operation with remote data");
	TargetReply seen = initiator.await_arrival(target);
	EXPECT_TRUE(seen.flags & FI_REMOTE_CQ_DATA);
	EXPECT_TRUE(seen.flags & FI_REMOTE_WRITE);
	EXPECT_EQ(seen.data, msg.data);
	EXPECT_EQ(seen.len, wanted.size());
	/* Durable by now, whether or not the initiator knows. */
	expect_durable(1, wanted);
}

TEST_P(PmemRmaDefault, PlainWritedataReachesTheTarget)
{
	Bytes wanted = pattern(11, 500);
	LocalBuffer from(initiator.node(), wanted);
	expect_remote_data();
	ssize_t ret = initiator.post([&] {
		return fi_writedata(initiator.ep(), from.data(), from.size(),
				    from.desc(), 42, initiator.peer(),
				    region.base, region.key, &context);
	});
	check(ret, "an operation with remote data");
	TargetReply seen = initiator.await_arrival(target);
	EXPECT_TRUE(seen.flags & FI_REMOTE_CQ_DATA);
	EXPECT_EQ(seen.data, 42u);
	EXPECT_EQ(seen.len, wanted.size());
	initiator.expect_success(&context);
	EXPECT_EQ(target.peek(region, 0, wanted.size()),
		  hash(wanted.data(), wanted.size()));
}

TEST_P(PmemRmaDefault, TwoRegionsKeepApart)
{
	RegionFile other_file(65536);
	RemoteRegion other = target.add_file(other_file.path(), 65536);
	Bytes first = pattern(12, 5000);
	Bytes second = pattern(13, 5000);
	initiator.write_and_wait(region, 0, first, 0);
	initiator.write_and_wait(other, 0, second, kFencedCommit);
	target.kill();
	EXPECT_EQ(difference(file.read(0, 5000), first), "");
	EXPECT_EQ(difference(other_file.read(0, 5000), second), "");
}

TEST_P(PmemRmaDefault, OrdinaryRegionIsUntouchedByTheLayer)
{
	RegionRequest request;
	request.map_len = 65536;
	request.flags = 0;
	RemoteRegion ordinary = target.add_region(request);
	EXPECT_EQ(ordinary.key >> 63, 0u);
	EXPECT_EQ(region.key >> 63, 1u);
	/*
	 * Only the inner provider's progress would serve it, which a sleeping
	 * target does not make. A send shows that the endpoints are still
	 * connected.
	 */
	initiator.write_and_wait(region, 0, pattern(1, 10), FI_COMMIT_COMPLETE);
	target.post_recv();
	target.start_read_cq();
	LocalBuffer from(initiator.node(), pattern(2, 16));
	ssize_t ret = initiator.post([&] {
		return fi_send(initiator.ep(), from.data(), from.size(),
			       from.desc(), initiator.peer(), &context);
	});
	check(ret, "fi_send");
	EXPECT_TRUE(initiator.await_arrival(target).flags & FI_RECV);
	initiator.expect_success(&context);
}

TEST_P(PmemRmaDefault, ManyCommitsInFlightAllComplete)
{
	constexpr size_t kOps = 500;
	constexpr size_t kLen = 6000;
	std::vector<std::unique_ptr<LocalBuffer>> buffers;
	std::vector<fi_context2> contexts(kOps);
	Bytes wanted;
	for (size_t i = 0; i < kOps; i++) {
		size_t len = i % 3 ? 40 : kLen;
		Bytes part = pattern(i, len);
		buffers.push_back(
			std::make_unique<LocalBuffer>(initiator.node(), part));
		check(initiator.write(region, wanted.size(), *buffers.back(),
				      FI_COMMIT_COMPLETE, &contexts[i]),
		      "fi_writemsg");
		wanted.insert(wanted.end(), part.begin(), part.end());
	}
	for (size_t i = 0; i < kOps; i++) {
		Completion completion = initiator.completions().wait();
		ASSERT_EQ(completion.err, 0) << completion.text;
	}
	expect_durable(0, wanted);
}

TEST_P(PmemRmaDefault, TwoInitiatorsShareATarget)
{
	Initiator second(options());
	target.connect(second.node());
	Bytes first = pattern(14, 5000);
	Bytes other = pattern(15, 50);
	initiator.write_and_wait(region, 0, first, FI_COMMIT_COMPLETE);
	second.write_and_wait(region, 5000, other, FI_COMMIT_COMPLETE);
	EXPECT_EQ(difference(second.read_and_wait(region, 0, 5000), first), "");
	target.kill();
	EXPECT_EQ(difference(file.read(0, 5000), first), "");
	EXPECT_EQ(difference(file.read(5000, 50), other), "");
}

TEST_P(PmemRmaDefault, EverythingClosesInOrder)
{
	initiator.write_and_wait(region, 0, pattern(1, 5000),
				 FI_COMMIT_COMPLETE);
	EXPECT_EQ(target.quit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemRmaDefault, testing::ValuesIn(setups()),
			 CaseName());

} // namespace
