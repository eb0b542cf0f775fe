/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The functions of rdma/fi_ext_pmem.h: who gets them, what they refuse, and
 * programs that are older or newer than the provider.
 */
#include "app_plane_fixture.hh"

#include <rdma/fi_ext_pmem.h>

namespace ofi_pmem
{

namespace
{

class EpExtension : public AppPlaneTest
{
protected:
	static constexpr uint64_t kBase = 0x4000;

	void SetUp() override
	{
		AppTest::SetUp();
		prepare(kPersistent);
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

	test::FakeMedium medium_{4096};
	Key key_{0};
};

TEST_F(EpExtension, HasEveryFunctionOfTheHeader)
{
	EXPECT_EQ(extension()->size, sizeof(fi_ops_pmem_ep));
	EXPECT_TRUE(FI_CHECK_OP(extension(), fi_ops_pmem_ep, query));
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

TEST_F(EpExtension, QueryRefusesWhatItCannotFill)
{
	fi_pmem_region_attr attr{};
	EXPECT_EQ(query(key_.value(), nullptr), -FI_EINVAL);
	EXPECT_EQ(query(key_.value(), &attr), -FI_EINVAL);
	attr.size = sizeof(attr) - 1;
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

} // namespace

} // namespace ofi_pmem
