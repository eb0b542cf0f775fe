/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The functions of rdma/fi_ext_pmem.h between two processes, and the examples
 * of fi_pmem_ops(3), which are compiled from the page.
 */
#include "common/initiator.hh"

#include <gtest/gtest.h>

extern "C" int digest_region(fid_ep *ep, const fi_ops_pmem_ep *ops, fid_cq *cq,
			     const fi_rma_iov *region, fi_addr_t peer,
			     void *digests, size_t size, void *context);
extern "C" int commit_verified(fid_ep *ep, fid_cq *cq, const fi_msg_rma *data);
extern "C" int register_file(fid_domain *domain, int fd, uint64_t offset,
			     void *memory, size_t len, fid_mr **mr);
extern "C" int check_region(fid_ep *ep, fid_cq *cq, fi_addr_t peer,
			    uint64_t key);
extern "C" int append(fid_ep *ep, const fi_ops_pmem_ep *ops, fid_cq *cq,
		      const fi_msg_rma *record, const fi_msg_rma *pointer);
extern "C" int write_both(fid_ep *ep, const fi_ops_pmem_ep *ops, fid_cq *cq,
			  const fi_msg_rma pieces[2], void *context);

using namespace pmem_test;

namespace
{

constexpr size_t kLen = 1 << 20;

class PmemOps : public testing::TestWithParam<Setup>
{
protected:
	PmemOps()
		: file(kLen), target(GetParam().stack, GetParam().memory),
		  region(target.add_file(file.path(), kLen)),
		  initiator(GetParam().stack)
	{
		target.connect(initiator.node());
	}

	ssize_t query(uint64_t key, fi_pmem_region_attr *attr)
	{
		return initiator.post([&] {
			return initiator.ops()->query(
				initiator.ep(), initiator.peer(), key, attr);
		});
	}

	/* A write of all of `from`. */
	struct Message {
		Message(PmemOps &test, LocalBuffer &from, uint64_t offset,
			void *context)
			: local{from.data(), from.size()},
			  desc(from.desc()), range{test.region.base + offset,
						   from.size(),
						   test.region.key},
			  msg{&local, &desc, 1,	      test.initiator.peer(),
			      &range, 1,     context, 0}
		{
		}

		iovec local;
		void *desc;
		fi_rma_iov range;
		fi_msg_rma msg;
	};

	RegionFile file;
	Target target;
	RemoteRegion region;
	Initiator initiator;
};

fi_pmem_region_attr sized()
{
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	return attr;
}

TEST_P(PmemOps, QueryDescribesTheRegion)
{
	fi_pmem_region_attr attr = sized();
	ASSERT_EQ(query(region.key, &attr), 0);
	EXPECT_EQ(attr.size, sizeof(attr));
	EXPECT_EQ(attr.base, region.base);
	EXPECT_EQ(attr.length, region.len);
	EXPECT_EQ(attr.access, FI_REMOTE_READ | FI_REMOTE_WRITE);
	EXPECT_STRNE(attr.reason, "");
	EXPECT_EQ(attr.failure_atomic, 8U);
	EXPECT_GE(attr.max_length, kLen);
	switch (GetParam().memory) {
	case Memory::powerfail:
	case Memory::disk:
		EXPECT_EQ(attr.domain, FI_PMEM_DOMAIN_SIMULATED);
		EXPECT_EQ(attr.granularity, FI_PMEM_GRANULARITY_CACHE_LINE);
		break;
	case Memory::page:
		EXPECT_EQ(attr.domain, FI_PMEM_DOMAIN_DEVICE);
		EXPECT_EQ(attr.granularity, FI_PMEM_GRANULARITY_PAGE);
		EXPECT_EQ(attr.method, FI_PMEM_METHOD_MESSAGE);
		break;
	case Memory::forced_line:
		EXPECT_EQ(attr.domain, FI_PMEM_DOMAIN_NONE);
		EXPECT_EQ(attr.granularity, FI_PMEM_GRANULARITY_CACHE_LINE);
		break;
	case Memory::dax:
		EXPECT_NE(attr.domain, FI_PMEM_DOMAIN_NONE);
		EXPECT_NE(attr.granularity, FI_PMEM_GRANULARITY_PAGE);
		break;
	}
	EXPECT_EQ(attr.native_order,
		  attr.method == FI_PMEM_METHOD_NATIVE ? 8U : 0U);
}

TEST_P(PmemOps, QueryOfAClosedRegionFails)
{
	target.close_region(region);
	fi_pmem_region_attr attr = sized();
	EXPECT_EQ(query(region.key, &attr), -FI_ENOKEY);
}

TEST_P(PmemOps, QueryDisturbsNoWrite)
{
	Bytes wanted = pattern(1, 100000);
	LocalBuffer buffer(initiator.node(), wanted);
	fi_context2 context{};
	ssize_t ret = initiator.write(region, 0, buffer, FI_COMMIT_COMPLETE,
				      &context);
	ASSERT_EQ(ret, 0);
	fi_pmem_region_attr attr = sized();
	EXPECT_EQ(query(region.key, &attr), 0);
	initiator.expect_success(&context);
	EXPECT_EQ(difference(file.read(0, wanted.size()), wanted), "");
}

/*
 * Digests a commit, and again after the file was changed behind the provider's
 * back.
 */
TEST_P(PmemOps, DigestsTellWhichBlockChanged)
{
	constexpr size_t kBlock = 4096;
	constexpr size_t kDigest = 4;
	Bytes wanted = pattern(3, kLen);
	LocalBuffer buffer(initiator.node(), wanted);
	fi_context2 context{};
	ASSERT_EQ(initiator.write(region, 0, buffer, FI_COMMIT_COMPLETE,
				  &context),
		  0);
	initiator.expect_success(&context);
	fi_rma_iov whole{region.base, kLen, region.key};
	size_t blocks = (kLen + kBlock - 1) / kBlock;
	auto digests = [&] {
		Bytes made(blocks * kDigest);
		EXPECT_EQ(digest_region(initiator.ep(), initiator.ops(),
					initiator.node().cq.get(), &whole,
					initiator.peer(), made.data(),
					made.size(), &context),
			  0);
		Completion done = initiator.expect_success(&context);
		EXPECT_EQ(done.len, kLen);
		return made;
	};
	Bytes before = digests();
	EXPECT_EQ(difference(digests(), before), "");
	{
		Mapping medium(file.path(), kLen);
		medium.data()[2 * kBlock + 5] ^= 1;
		msync(medium.data(), kLen, MS_SYNC);
	}
	Bytes after = digests();
	for (size_t i = 0; i < blocks; i++) {
		bool same = std::equal(
			before.begin() + static_cast<long>(i * kDigest),
			before.begin() + static_cast<long>((i + 1) * kDigest),
			after.begin() + static_cast<long>(i * kDigest));
		EXPECT_EQ(same, i != 2) << "block " << i;
	}
}

/* The commits have lengths that travel differently. */
TEST_P(PmemOps, CommitsAreReadBackAsTheyWereWritten)
{
	for (size_t len : {1, 8, 4096, 4097, 100000, 1 << 20}) {
		Bytes wanted = pattern(len, len);
		LocalBuffer buffer(initiator.node(), wanted);
		fi_context2 context{};
		Message data(*this, buffer, kLen - len, &context);
		EXPECT_EQ(commit_verified(initiator.ep(),
					  initiator.node().cq.get(), &data.msg),
			  0);
		EXPECT_EQ(difference(file.read(kLen - len, len), wanted), "");
	}
}

/* After the file was changed behind the provider's back. */
TEST_P(PmemOps, VerifyNamesTheBlockThatChanged)
{
	constexpr size_t kBlock = 4096;
	fi_context2 context{};
	LocalBuffer buffer(initiator.node(), pattern(3, kLen));
	ASSERT_EQ(initiator.write(region, 0, buffer, FI_PMEM_VERIFY, &context),
		  0);
	initiator.expect_success(&context);
	initiator.expect_success(initiator.drain(region, &context), &context);
	{
		Mapping medium(file.path(), kLen);
		medium.data()[2 * kBlock + 5] ^= 1;
		msync(medium.data(), kLen, MS_SYNC);
	}
	fi_rma_iov whole{region.base, kLen, region.key};
	fi_pmem_msg_flush all{&whole,
			      1,
			      initiator.peer(),
			      &context,
			      FI_PMEM_PLACE_PERSISTENT,
			      FI_PMEM_SELECT_PEER};
	ssize_t ret = initiator.post([&] {
		return initiator.ops()->flushv(initiator.ep(), &all,
					       FI_COMPLETION | FI_PMEM_VERIFY);
	});
	Failure failed = outcome(initiator, ret, &context);
	EXPECT_EQ(failed.err, FI_EIO) << failed.completion.text;
	fi_pmem_bad_block bad{};
	ASSERT_EQ(failed.completion.err_data.size(), sizeof(bad));
	memcpy(&bad, failed.completion.err_data.data(), sizeof(bad));
	EXPECT_EQ(bad.addr, region.base + 2 * kBlock);
	EXPECT_EQ(bad.length, kBlock);
	EXPECT_EQ(bad.key, region.key);
	EXPECT_EQ(bad.reason, FI_PMEM_BAD_DIFFERS);
}

struct Declared {
	fi_pmem_granularity granularity;
	fi_pmem_domain domain;
	/*
	 * One is for a file with a page cache before it, the other for device
	 * DAX.
	 */
	int of_file;
	int of_dax;
};

const Declared kDeclared[] = {
	{FI_PMEM_GRANULARITY_DETECT, FI_PMEM_DOMAIN_DETECT, 0, 0},
	{FI_PMEM_GRANULARITY_PAGE, FI_PMEM_DOMAIN_DETECT, 0, -FI_EINVAL},
	{FI_PMEM_GRANULARITY_PAGE, FI_PMEM_DOMAIN_DEVICE, 0, -FI_EINVAL},
	{FI_PMEM_GRANULARITY_CACHE_LINE, FI_PMEM_DOMAIN_DETECT, -FI_EINVAL, 0},
	{FI_PMEM_GRANULARITY_CACHE_LINE, FI_PMEM_DOMAIN_MEMORY_CONTROLLER,
	 -FI_EINVAL, 0},
	{FI_PMEM_GRANULARITY_DETECT, FI_PMEM_DOMAIN_SYSTEM, -FI_EINVAL,
	 -FI_EINVAL},
};

TEST_P(PmemOps, DeclaredRegionsAreWhatTheyCanBe)
{
	bool simulated = GetParam().memory == Memory::powerfail;
	bool dax = GetParam().memory == Memory::dax;
	RegionFile other(kLen);
	for (const Declared &row : kDeclared) {
		RegionRequest request;
		request.declared = true;
		request.granularity = row.granularity;
		request.domain = row.domain;
		int wanted = simulated ? 0 : dax ? row.of_dax : row.of_file;
		int ret = 0;
		RemoteRegion made;
		try {
			made = target.add_file(other.path(), kLen, request);
		} catch (const FabricError &error) {
			ret = error.ret();
		}
		EXPECT_EQ(ret, wanted) << "granularity " << row.granularity
				       << ", domain " << row.domain;
		if (ret)
			continue;
		fi_pmem_region_attr attr = sized();
		ASSERT_EQ(query(made.key, &attr), 0);
		if (row.granularity && !simulated) {
			EXPECT_EQ(attr.granularity, row.granularity);
		}
		if (row.domain && !simulated) {
			EXPECT_EQ(attr.domain, row.domain);
		}
		target.close_region(made);
	}
}

TEST_P(PmemOps, DeclaredFileMayHaveLostItsName)
{
	/* The kernel pins no file's pages for verbs; a device keeps its name.
	 */
	if (dax_device() || !strcmp(core_provider(), "verbs"))
		GTEST_SKIP() << "of files that the inner provider registers";
	auto &node = initiator.node();
	RegionFile renamed(kLen);
	Mapping mapping(renamed.path(), kLen);
	std::string moved = renamed.path() + ".moved";
	ASSERT_EQ(rename(renamed.path().c_str(), moved.c_str()), 0);
	fid_mr *mr = nullptr;
	int ret = register_file(node.domain.get(), mapping.fd(), 0,
				mapping.data(), kLen, &mr);
	unlink(moved.c_str());
	ASSERT_EQ(ret, 0);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

TEST_P(PmemOps, TheExampleAcceptsAllButForcedMemory)
{
	int wanted =
		GetParam().memory == Memory::forced_line ? -FI_EOPNOTSUPP : 0;
	EXPECT_EQ(check_region(initiator.ep(), initiator.node().cq.get(),
			       initiator.peer(), region.key),
		  wanted);
}

/* Records of lengths that travel differently. */
TEST_P(PmemOps, AppendedRecordsAreDurableWithTheirPointer)
{
	uint64_t offset = 64;
	for (size_t len : {24, 4000, 100000}) {
		Bytes wanted = pattern(len, len);
		LocalBuffer record(initiator.node(), wanted);
		uint64_t end = offset + len;
		LocalBuffer tail(initiator.node(), sizeof(end));
		memcpy(tail.data(), &end, sizeof(end));
		fi_context2 contexts[2] = {};
		Message first(*this, record, offset, &contexts[0]);
		Message second(*this, tail, 0, &contexts[1]);
		ASSERT_EQ(append(initiator.ep(), initiator.ops(),
				 initiator.node().cq.get(), &first.msg,
				 &second.msg),
			  0);
		for (size_t i = 0; i < 2; i++)
			EXPECT_EQ(initiator.completions().wait().err, 0);
		EXPECT_EQ(difference(file.read(offset, len), wanted), "");
		EXPECT_EQ(difference(file.read(0, sizeof(end)), tail.bytes),
			  "");
		offset = end;
	}
}

TEST_P(PmemOps, TwoPiecesAreDurableTogether)
{
	Bytes wanted = pattern(3, 100000);
	LocalBuffer pieces[2] = {{initiator.node(), pattern(1, 24)},
				 {initiator.node(), wanted}};
	fi_context2 contexts[3] = {};
	Message first(*this, pieces[0], 64, &contexts[0]);
	Message second(*this, pieces[1], 8192, &contexts[1]);
	fi_msg_rma both[2] = {first.msg, second.msg};
	ASSERT_EQ(write_both(initiator.ep(), initiator.ops(),
			     initiator.node().cq.get(), both, &contexts[2]),
		  0);
	const void *last = nullptr;
	while (last != &contexts[2]) {
		Completion done = initiator.completions().wait();
		EXPECT_EQ(done.err, 0);
		last = done.context;
	}
	EXPECT_EQ(difference(file.read(64, 24), pieces[0].bytes), "");
	EXPECT_EQ(difference(file.read(8192, wanted.size()), wanted), "");
}

/* A flush of each selectivity, and a drain, after writes that do not commit. */
TEST_P(PmemOps, FlushedBytesAreDurable)
{
	struct Case {
		fi_pmem_selectivity selectivity; /* 0: drain_all() */
		size_t len;
	};
	for (Case one : {Case{FI_PMEM_SELECT_RANGES, 24},
			 Case{FI_PMEM_SELECT_RANGES, 100000},
			 Case{FI_PMEM_SELECT_REGIONS, 24},
			 Case{FI_PMEM_SELECT_REGIONS, 100000},
			 Case{FI_PMEM_SELECT_PEER, 100000},
			 Case{fi_pmem_selectivity{}, 100000}}) {
		Bytes wanted = pattern(one.len + one.selectivity, one.len);
		initiator.write_and_wait(region, 4096, wanted, 0);
		fi_context2 context{};
		ssize_t ret =
			one.selectivity
				? initiator.flush(region, 4096, one.len,
						  one.selectivity, &context)
				: initiator.drain_all(&context);
		Completion done = initiator.expect_success(ret, &context);
		EXPECT_EQ(done.flags, uint64_t{FI_RMA | FI_WRITE});
		EXPECT_EQ(difference(file.read(4096, one.len), wanted), "");
	}
}

TEST_P(PmemOps, VisibleBytesCanBeRead)
{
	Bytes wanted = pattern(5, 100000);
	initiator.write_and_wait(region, 64, wanted, 0);
	fi_context2 context{};
	ssize_t ret = initiator.post([&] {
		return initiator.ops()->flush(initiator.ep(), region.base + 64,
					      wanted.size(), region.key,
					      initiator.peer(),
					      FI_PMEM_PLACE_VISIBLE, &context);
	});
	initiator.expect_success(ret, &context);
	EXPECT_EQ(difference(initiator.read_and_wait(region, 64, wanted.size()),
			     wanted),
		  "");
}

TEST_P(PmemOps, FlushOfAClosedRegionFails)
{
	initiator.write_and_wait(region, 0, pattern(1, 100), 0);
	target.close_region(region);
	fi_context2 context{};
	ssize_t ret = initiator.flush(region, 0, 100, FI_PMEM_SELECT_RANGES,
				      &context);
	EXPECT_NE(outcome(initiator, ret, &context).err, 0);
}

INSTANTIATE_TEST_SUITE_P(Setups, PmemOps, testing::ValuesIn(setups()),
			 CaseName());

} // namespace
