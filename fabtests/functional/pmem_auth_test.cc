/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * auth_key of libfabric's attributes, between two processes: an initiator with
 * the target's key commits; one with another key or none is refused at the
 * call.
 */
#include "common/initiator.hh"

#include <gtest/gtest.h>

using namespace pmem_test;

namespace
{

constexpr size_t kLen = 65536;

class PmemAuth : public testing::TestWithParam<Stack>
{
protected:
	static NodeOptions with_key(const char *key)
	{
		NodeOptions options;
		options.stack = GetParam();
		snprintf(options.auth_key, sizeof(options.auth_key), "%s", key);
		return options;
	}

	/* 0, or why an initiator with this key cannot commit. */
	int commit_with(const char *key)
	{
		Initiator initiator(with_key(key));
		target.connect(initiator.node());
		Bytes contents = pattern(++seed, 100);
		Failure failure = try_commit(initiator, region, contents);
		bool there = file.read(0, 100) == contents;
		EXPECT_EQ(there, !failure.err);
		EXPECT_EQ(failure.at_call, failure.err != 0);
		return failure.err;
	}

	unsigned seed = 0;
	RegionFile file{kLen};
	Target target{with_key("a key of the two"),
		      child_options(Memory::powerfail)};
	RemoteRegion region = target.add_file(file.path(), kLen);
};

TEST_P(PmemAuth, DecidesWhoCommits)
{
	EXPECT_EQ(commit_with("a key of the two"), 0);
	EXPECT_EQ(commit_with("a key of another"), FI_EACCES);
	EXPECT_EQ(commit_with(""), FI_EACCES);
	EXPECT_EQ(commit_with("a key of the two"), 0);
	EXPECT_EQ(target.quit(), 0);
}

TEST_P(PmemAuth, AnotherKeyThanTheDomainsIsRefused)
{
	Node node(with_key("a key of the two"));
	fi_info *other = fi_dupinfo(node.info.get());
	InfoPtr holder(other);
	other->ep_attr->auth_key[0] ^= 1;
	free(other->domain_attr->auth_key);
	other->domain_attr->auth_key = nullptr;
	other->domain_attr->auth_key_size = 0;
	fid_ep *ep = nullptr;
	EXPECT_EQ(fi_endpoint(node.domain.get(), other, &ep, nullptr),
		  -FI_EINVAL);

	Bytes bytes(100);
	iovec iov{bytes.data(), bytes.size()};
	fi_mr_attr attr{};
	attr.mr_iov = &iov;
	attr.iov_count = 1;
	attr.access = FI_WRITE;
	attr.auth_key = other->ep_attr->auth_key;
	attr.auth_key_size = other->ep_attr->auth_key_size;
	fid_mr *mr = nullptr;
	EXPECT_EQ(fi_mr_regattr(node.domain.get(), &attr, 0, &mr), -FI_EINVAL);
	attr.auth_key = node.info->ep_attr->auth_key;
	EXPECT_EQ(fi_mr_regattr(node.domain.get(), &attr, 0, &mr), 0);
	FidPtr<fid_mr> closer(mr);
	EXPECT_EQ(target.quit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemAuth, testing::ValuesIn(kStacks),
			 CaseName());

} // namespace
