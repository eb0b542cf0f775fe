/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The functions of rdma/fi_ext_pmem.h: which endpoints have them, what a query
 * returns, and programs that are older or newer than the provider.
 */
#include "fake/fake_hook.hh"
#include "fixture/extension_fixture.hh"

namespace ofi_pmem
{

namespace
{

/* The size in the header's first version. */
constexpr size_t kFirstAttr = offsetof(fi_pmem_region_attr, digests);

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
	/* This is one of our objects, but of another class. */
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

} // namespace

} // namespace ofi_pmem
