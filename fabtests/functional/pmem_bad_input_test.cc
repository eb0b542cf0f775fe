/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Wrong calls, wrong keys and wrong ranges: each ends in an error on the side
 * that made it, and neither the target nor a neighbouring byte notices.
 */
#include "common/initiator.hh"

#include <gtest/gtest.h>
#include <rdma/fi_atomic.h>

using namespace pmem_test;

namespace
{

constexpr size_t kPage = 4096;
constexpr size_t kMapLen = 64 * kPage;
/* The region lies inside its mapping, so that neighbours can be watched. */
constexpr size_t kFirst = 8 * kPage;
constexpr size_t kRegionLen = 32 * kPage;
constexpr size_t kSizes[] = {64, 20000}; /* inline, one-sided */

class PmemBadInput : public testing::TestWithParam<Setup>
{
protected:
	PmemBadInput()
		: file(kMapLen), target(GetParam().stack, GetParam().memory),
		  region(target.add_region(middle_of(file))),
		  initiator(GetParam().stack)
	{
		target.connect(initiator.node());
	}

	static RegionRequest middle_of(const RegionFile &file)
	{
		RegionRequest request;
		file.path().copy(request.path, sizeof(request.path) - 1);
		request.map_len = kMapLen;
		request.offset = kFirst;
		request.len = kRegionLen;
		return request;
	}

	/* The bytes around the region are still 0 and the target serves. */
	void expect_unharmed()
	{
		target.ping();
		Bytes wanted = pattern(99, 300);
		initiator.write_and_wait(region, 17, wanted,
					 FI_COMMIT_COMPLETE);
		EXPECT_EQ(difference(file.read(kFirst + 17, 300), wanted), "");
		Bytes zeros(kFirst);
		EXPECT_EQ(difference(file.read(0, kFirst), zeros), "");
		zeros.resize(kMapLen - kFirst - kRegionLen);
		EXPECT_EQ(
			difference(file.read(kFirst + kRegionLen, zeros.size()),
				   zeros),
			"");
	}

	/* Expects an error that a human can read, reported once. */
	void expect_failure(const Failure &failure)
	{
		EXPECT_NE(failure.err, 0) << "the operation succeeded";
		if (failure.at_call || !failure.err)
			return;
		const Completion &entry = failure.completion;
		EXPECT_GT(entry.err, 0);
		EXPECT_STRNE(fi_strerror(entry.err), "");
		EXPECT_NE(entry.prov_errno, 0);
		EXPECT_GT(entry.text.size(), 3u);
		for (unsigned char letter : entry.text)
			EXPECT_TRUE(isprint(letter)) << entry.text;
	}

	/* A write and a read of each size at a range that is not there. */
	void expect_refused(const RemoteRegion &where, uint64_t offset,
			    size_t len)
	{
		SCOPED_TRACE("offset " + std::to_string(offset) + " length " +
			     std::to_string(len));
		LocalBuffer buffer(initiator.node(), pattern(1, len));
		for (uint64_t flags :
		     {uint64_t{FI_COMMIT_COMPLETE},
		      uint64_t{FI_DELIVERY_COMPLETE}, kFencedCommit}) {
			ssize_t ret = initiator.write(where, offset, buffer,
						      flags | FI_COMPLETION,
						      &context);
			expect_failure(outcome(initiator, ret, &context));
		}
		Bytes before = buffer.bytes;
		ssize_t ret = initiator.read(where, offset, buffer, &context);
		expect_failure(outcome(initiator, ret, &context));
		EXPECT_EQ(buffer.bytes, before);
	}

	RegionFile file;
	Target target;
	RemoteRegion region;
	Initiator initiator;
	fi_context2 context{};
};

TEST_P(PmemBadInput, UnknownFlagsAreRefused)
{
	LocalBuffer buffer(initiator.node(), 100);
	for (uint64_t flag :
	     {uint64_t{1} << 42, uint64_t{1} << 33, uint64_t{FI_TRIGGER}}) {
		SCOPED_TRACE(flag);
		ssize_t ret = initiator.write(
			region, 0, buffer, flag | FI_COMMIT_COMPLETE, &context);
		EXPECT_TRUE(ret == -FI_EINVAL || ret == -FI_EBADFLAGS) << ret;
	}
	expect_unharmed();
}

TEST_P(PmemBadInput, CommitToAnOrdinaryKeyIsRefused)
{
	RegionRequest request;
	request.map_len = kMapLen;
	request.flags = 0;
	RemoteRegion ordinary = target.add_region(request);
	LocalBuffer buffer(initiator.node(), 100);
	for (uint64_t flags : {uint64_t{FI_COMMIT_COMPLETE}, kFencedCommit})
		EXPECT_EQ(initiator.write(ordinary, 0, buffer, flags, &context),
			  -FI_EINVAL);
	EXPECT_EQ(initiator.drain(ordinary, &context), -FI_EINVAL);
	expect_unharmed();
}

TEST_P(PmemBadInput, CommitOfAMessageIsRefused)
{
	LocalBuffer buffer(initiator.node(), 100);
	iovec iov{buffer.data(), buffer.size()};
	void *desc = buffer.desc();
	fi_msg msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = initiator.peer();
	msg.context = &context;
	EXPECT_EQ(initiator.post([&] {
		return fi_sendmsg(initiator.ep(), &msg, FI_COMMIT_COMPLETE);
	}),
		  -FI_EINVAL);
	expect_unharmed();
}

TEST_P(PmemBadInput, RangesOutsideTheRegionAreRefused)
{
	for (size_t len : kSizes) {
		expect_refused(region, kRegionLen - len + 1, len);
		expect_refused(region, kRegionLen, len);
		expect_refused(region, kRegionLen + kPage, len);
		expect_refused(region, uint64_t{0} - 1, len);
		expect_refused(region, uint64_t{0} - kPage, len);
		expect_refused(region, uint64_t{1} << 63, len);
		/* The sum of address and length wraps around. */
		expect_refused(region, uint64_t{0} - region.base - len / 2,
			       len);
	}
	expect_refused(region, 0, kRegionLen + 1);
	expect_unharmed();
}

TEST_P(PmemBadInput, OneBadRangeOfSeveralFailsTheWrite)
{
	LocalBuffer buffer(initiator.node(), pattern(1, 200));
	iovec iov{buffer.data(), buffer.size()};
	void *desc = buffer.desc();
	fi_rma_iov rma[] = {{region.base + 1000, 100, region.key},
			    {region.base + kRegionLen, 100, region.key}};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = initiator.peer();
	msg.rma_iov = rma;
	msg.rma_iov_count = 2;
	msg.context = &context;
	ssize_t ret = initiator.post([&] {
		return fi_writemsg(initiator.ep(), &msg, FI_COMMIT_COMPLETE);
	});
	expect_failure(outcome(initiator, ret, &context));
	expect_unharmed();
}

TEST_P(PmemBadInput, LengthsThatDisagreeAreRefused)
{
	LocalBuffer buffer(initiator.node(), pattern(1, 200));
	iovec iov{buffer.data(), buffer.size()};
	void *desc = buffer.desc();
	fi_rma_iov rma{region.base, 100, region.key};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = initiator.peer();
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.context = &context;
	ssize_t ret = initiator.post([&] {
		return fi_writemsg(initiator.ep(), &msg, FI_COMMIT_COMPLETE);
	});
	expect_failure(outcome(initiator, ret, &context));
	expect_unharmed();
}

TEST_P(PmemBadInput, TooManyVectorsAreRefusedOrDoneRight)
{
	size_t count = initiator.node().info->tx_attr->iov_limit + 1;
	for (size_t part : {1, 3000}) {
		SCOPED_TRACE(part);
		Bytes wanted = pattern(part, count * part);
		LocalBuffer buffer(initiator.node(), wanted);
		std::vector<iovec> iov(count);
		std::vector<void *> desc(count, buffer.desc());
		for (size_t i = 0; i < count; i++)
			iov[i] = {buffer.data() + i * part, part};
		ssize_t ret = initiator.post([&] {
			return fi_writev(initiator.ep(), iov.data(),
					 desc.data(), count, initiator.peer(),
					 region.base, region.key, &context);
		});
		if (ret) {
			EXPECT_EQ(ret, -FI_EINVAL);
			continue;
		}
		initiator.expect_success(&context);
		EXPECT_EQ(difference(initiator.read_and_wait(region, 0,
							     wanted.size()),
				     wanted),
			  "");
	}
	expect_unharmed();
}

TEST_P(PmemBadInput, InjectBeyondItsLimitIsRefused)
{
	size_t len = initiator.node().info->tx_attr->inject_size + 1;
	LocalBuffer buffer(initiator.node(), pattern(1, len));
	ssize_t ret = initiator.post([&] {
		return fi_inject_write(initiator.ep(), buffer.data(), len,
				       initiator.peer(), region.base,
				       region.key);
	});
	EXPECT_LT(ret, 0);
	expect_unharmed();
}

TEST_P(PmemBadInput, ForgedKeysAreRefused)
{
	/* Token bits; the service's port and the marker stay. */
	for (uint64_t forgery : {uint64_t{1}, uint64_t{1} << 20,
				 uint64_t{1} << 46, uint64_t{0x7fffffffff}}) {
		SCOPED_TRACE(forgery);
		RemoteRegion forged = region;
		forged.key ^= forgery;
		for (size_t len : kSizes)
			expect_refused(forged, 0, len);
	}
	expect_unharmed();
}

TEST_P(PmemBadInput, KeyWithAPortWhereNobodyListensFails)
{
	RemoteRegion forged = region;
	forged.key &= ~(uint64_t{0xffff} << 47);
	forged.key |= uint64_t{1} << 47; /* tcpmux: not there */
	expect_refused(forged, 0, 100);
	expect_unharmed();
}

TEST_P(PmemBadInput, KeyOfAClosedRegionIsRefused)
{
	RegionFile other_file(kMapLen);
	RemoteRegion used = target.add_file(other_file.path(), kMapLen);
	initiator.write_and_wait(used, 0, pattern(1, 100), FI_COMMIT_COMPLETE);
	target.close_region(used);
	Bytes before = other_file.read();
	/* The initiator has resolved this key before ... */
	for (size_t len : kSizes)
		expect_refused(used, 0, len);
	EXPECT_EQ(difference(other_file.read(), before), "");
	expect_unharmed();
	/* ... and this one never. */
	RemoteRegion unused = target.add_file(other_file.path(), kMapLen);
	target.close_region(unused);
	for (size_t len : kSizes)
		expect_refused(unused, 0, len);
	EXPECT_EQ(difference(other_file.read(), before), "");
	expect_unharmed();
}

TEST_P(PmemBadInput, RegionIsUsableAgainAfterReregistration)
{
	target.close_region(region);
	RemoteRegion anew = target.add_region(middle_of(file));
	EXPECT_NE(anew.key, region.key);
	expect_refused(region, 0, 100);
	region = anew;
	expect_unharmed();
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemBadInput, testing::ValuesIn(setups()),
			 CaseName());

/* Persistent regions do not have what the inner provider lacks either. */
TEST(PmemAtomic, WithoutTheCapabilityThereAreNone)
{
	RegionFile file(kMapLen);
	Target target(Stack::msg, Memory::powerfail);
	RemoteRegion region = target.add_file(file.path(), kMapLen);
	Initiator initiator(Stack::msg);
	target.connect(initiator.node());
	LocalBuffer buffer(initiator.node(), 8);
	fi_context2 context{};
	size_t count = 0;
	EXPECT_LT(fi_atomicvalid(initiator.ep(), FI_UINT64, FI_SUM, &count), 0);
	EXPECT_LT(fi_atomic(initiator.ep(), buffer.data(), 1, buffer.desc(),
			    initiator.peer(), region.base, region.key,
			    FI_UINT64, FI_SUM, &context),
		  0);
	initiator.write_and_wait(region, 0, pattern(1, 50), FI_COMMIT_COMPLETE);
}

/* Registration and closing concern one process only. */
class PmemLocal : public testing::TestWithParam<Stack>
{
protected:
	PmemLocal() : node(options()) { node.listen(); }

	static NodeOptions options()
	{
		NodeOptions node_options;
		node_options.stack = GetParam();
		return node_options;
	}

	int register_persistent(const Mapping &mapping)
	{
		fid_mr *mr = nullptr;
		int ret = fi_mr_reg(node.domain.get(), mapping.data(),
				    mapping.size(),
				    FI_REMOTE_READ | FI_REMOTE_WRITE, 0, 77,
				    FI_RMA_PMEM, &mr, nullptr);
		if (!ret)
			Closer::close(&mr->fid);
		return ret;
	}

	Node node;
};

TEST_P(PmemLocal, FileOnARealFileSystemRegisters)
{
	RegionFile file(kMapLen);
	EXPECT_EQ(register_persistent(Mapping(file.path(), kMapLen)), 0);
}

TEST_P(PmemLocal, AnonymousMemoryIsRefused)
{
	EXPECT_EQ(register_persistent(Mapping("", kMapLen, MAP_PRIVATE)),
		  -FI_EINVAL);
	EXPECT_EQ(register_persistent(Mapping("", kMapLen, MAP_SHARED)),
		  -FI_EINVAL);
}

TEST_P(PmemLocal, PrivateMappingIsRefused)
{
	RegionFile file(kMapLen);
	EXPECT_EQ(
		register_persistent(Mapping(file.path(), kMapLen, MAP_PRIVATE)),
		-FI_EINVAL);
}

TEST_P(PmemLocal, TmpfsFileIsRefused)
{
	char path[] = "/dev/shm/pmem_e2e.XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0)
		GTEST_SKIP() << "no /dev/shm";
	int sized = ftruncate(fd, kMapLen);
	close(fd);
	{
		Mapping mapping(path, kMapLen);
		unlink(path);
		ASSERT_EQ(sized, 0);
		EXPECT_EQ(register_persistent(mapping), -FI_EINVAL);
	}
}

TEST_P(PmemLocal, UnmappedMemoryIsRefused)
{
	/*
	 * A gap of this size is filled from its end, should somebody map
	 * memory.
	 */
	constexpr size_t kGap = size_t{1} << 30;
	RegionFile file(kMapLen);
	Mapping mapping(file.path(), kGap);
	mapping.leave(kPage);
	EXPECT_EQ(register_persistent(mapping), -FI_EFAULT);
}

TEST_P(PmemLocal, ObjectsInUseDoNotClose)
{
	RegionFile file(kMapLen);
	Mapping mapping(file.path(), kMapLen);
	FidPtr<fid_mr> mr = node.register_memory(
		mapping.data(), kMapLen, FI_REMOTE_READ | FI_REMOTE_WRITE,
		FI_RMA_PMEM);
	EXPECT_EQ(fi_close(&node.fabric->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&node.domain->fid), -FI_EBUSY);
	if (GetParam() == Stack::rdm) {
		EXPECT_EQ(fi_close(&node.cq->fid), -FI_EBUSY);
		EXPECT_EQ(fi_close(&node.av->fid), -FI_EBUSY);
	} else {
		EXPECT_EQ(fi_close(&node.eq->fid), -FI_EBUSY);
	}
	/* Everything still works: it closes in order (CloseListener). */
	node.eps.clear();
	node.pep.reset();
	EXPECT_EQ(fi_close(&node.domain->fid), -FI_EBUSY);
	mr.reset();
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemLocal, testing::ValuesIn(kStacks),
			 CaseName());

/* There is a live channel to a peer. */
class PmemClose : public testing::TestWithParam<Stack>
{
};

TEST_P(PmemClose, InitiatorClosesWithOperationsOutstanding)
{
	RegionFile file(kMapLen);
	Target target(GetParam(), Memory::powerfail);
	RemoteRegion region = target.add_file(file.path(), kMapLen);
	for (int round = 0; round < 5; round++) {
		Initiator initiator(GetParam());
		target.connect(initiator.node());
		std::vector<fi_context2> contexts(20);
		LocalBuffer buffer(initiator.node(), pattern(1, 10000));
		for (fi_context2 &context : contexts)
			check(initiator.write(region, 0, buffer,
					      FI_COMMIT_COMPLETE, &context),
			      "fi_writemsg");
		EXPECT_EQ(fi_close(&initiator.node().cq->fid), -FI_EBUSY);
		/* Whatever is under way ends with its endpoint; the buffer is
		 * ours again. */
		initiator.node().eps.clear();
	}
	target.ping();
	EXPECT_EQ(target.quit(), 0);
}

TEST_P(PmemClose, TargetClosesARegionUnderFire)
{
	RegionFile file(kMapLen);
	Target target(GetParam(), Memory::powerfail);
	Initiator initiator(GetParam());
	target.connect(initiator.node());
	LocalBuffer buffer(initiator.node(), pattern(1, 200000));
	for (int round = 0; round < 20; round++) {
		RemoteRegion region = target.add_file(file.path(), kMapLen);
		std::vector<fi_context2> contexts(30);
		size_t posted = 0;
		for (fi_context2 &context : contexts)
			posted +=
				!initiator.write(region, 0, buffer,
						 FI_COMMIT_COMPLETE, &context);
		target.close_region(region);
		/* Each ends, with success or without. */
		while (posted--)
			initiator.completions().wait();
	}
	target.ping();
	EXPECT_EQ(target.quit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemClose, testing::ValuesIn(kStacks),
			 CaseName());

} // namespace
