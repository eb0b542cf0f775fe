/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The functions of a domain in rdma/fi_ext_pmem.h: which domains have them, and
 * which declarations are malformed.
 */
#include "fake/fake_hook.hh"
#include "fixture/app_fixture.hh"

#include <rdma/fi_ext_pmem.h>

namespace ofi_pmem
{

namespace
{

class DomainExtension : public AppTest
{
protected:
	int open_ops(uint64_t flags = 0)
	{
		void *opened = nullptr;
		int ret = fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, flags,
				      &opened, nullptr);
		ops_ = static_cast<fi_ops_pmem_domain *>(opened);
		return ret;
	}

	int mr_reg(const fi_pmem_mr_attr *pmem) { return mr_reg(domain, pmem); }

	int mr_reg(fid_domain *called_with, const fi_pmem_mr_attr *pmem)
	{
		iovec iov{buf_, sizeof(buf_)};
		fi_mr_attr attr{};
		attr.mr_iov = &iov;
		attr.iov_count = 1;
		attr.access = FI_REMOTE_WRITE;
		fid_mr *mr = nullptr;
		int ret = ops_->mr_reg(called_with, &attr, FI_RMA_EVENT, pmem,
				       &mr);
		if (!ret) {
			EXPECT_EQ(fi_close(&mr->fid), 0);
		}
		return ret;
	}

	fi_pmem_mr_attr undeclared() const
	{
		fi_pmem_mr_attr attr{};
		attr.size = sizeof(attr);
		attr.fd = -1;
		return attr;
	}

	fi_ops_pmem_domain *ops_ = nullptr;
	char buf_[64];
};

TEST_F(DomainExtension, IsOfPersistentDomainsOnly)
{
	open_domain(kPlain);
	EXPECT_EQ(open_ops(), -FI_EOPNOTSUPP);
	EXPECT_EQ(ops_, nullptr);
	EXPECT_EQ(fi_open_ops(&domain->fid, "another", 0,
			      reinterpret_cast<void **>(&ops_), nullptr),
		  -FI_ENOSYS);
}

TEST_F(DomainExtension, TakesNoFlags)
{
	open_domain(kPersistent);
	EXPECT_EQ(open_ops(1), -FI_EBADFLAGS);
	ASSERT_EQ(open_ops(), 0);
	EXPECT_TRUE(FI_CHECK_OP(ops_, fi_ops_pmem_domain, mr_reg));
}

TEST_F(DomainExtension, InnerProviderNeverSeesThePersistenceFlag)
{
	open_domain(kPersistent);
	ASSERT_EQ(open_ops(), 0);
	auto attr = undeclared();
	EXPECT_EQ(mr_reg(&attr), 0);
	EXPECT_EQ(inner_domain->mr_flags, FI_RMA_EVENT);
}

TEST_F(DomainExtension, RefusesWhatIsNoDeclaration)
{
	open_domain(kPersistent);
	ASSERT_EQ(open_ops(), 0);
	EXPECT_EQ(mr_reg(nullptr), -FI_EINVAL);
	auto attr = undeclared();
	attr.size = offsetof(fi_pmem_mr_attr, key_id) - 1;
	EXPECT_EQ(mr_reg(&attr), -FI_EINVAL);
	attr = undeclared();
	attr.fd = -2;
	EXPECT_EQ(mr_reg(&attr), -FI_EINVAL);
	attr = undeclared();
	attr.offset = 4096;
	EXPECT_EQ(mr_reg(&attr), -FI_EINVAL);
	attr = undeclared();
	attr.granularity = static_cast<fi_pmem_granularity>(4);
	EXPECT_EQ(mr_reg(&attr), -FI_EINVAL);
	attr = undeclared();
	attr.domain = static_cast<fi_pmem_domain>(7);
	EXPECT_EQ(mr_reg(&attr), -FI_EINVAL);
	EXPECT_EQ(inner_domain->region, nullptr);
	attr = undeclared();
	/* A newer program's structure is longer. */
	attr.size = sizeof(attr) + 8;
	EXPECT_EQ(mr_reg(&attr), 0);
}

TEST_F(DomainExtension, WorksUnderHookProviders)
{
	open_domain(kPersistent);
	ASSERT_EQ(open_ops(), 0);
	auto attr = undeclared();
	fake::Hook<fid_domain> hook(&domain->fid);
	EXPECT_EQ(mr_reg(&hook, &attr), 0);
	fake::Hook<fid_domain> upper(&hook.fid);
	EXPECT_EQ(mr_reg(&upper, &attr), 0);
}

TEST_F(DomainExtension, RefusesAnotherProvidersDomain)
{
	open_domain(kPersistent);
	ASSERT_EQ(open_ops(), 0);
	auto attr = undeclared();
	fake::Hook<fid_domain> stranger(nullptr);
	EXPECT_EQ(mr_reg(&stranger, &attr), -FI_EINVAL);
	int fd = -1;
	fi_pmem_event event{};
	event.size = sizeof(event);
	EXPECT_EQ(ops_->event_fd(&stranger, &fd), -FI_EINVAL);
	EXPECT_EQ(ops_->read_event(&stranger, &event), -FI_EINVAL);
	/* This is one of our objects, but of another class. */
	fake::Hook<fid_domain> of_fabric(&fabric->fid);
	EXPECT_EQ(mr_reg(&of_fabric, &attr), -FI_EINVAL);
	EXPECT_EQ(inner_domain->region, nullptr);
}

} // namespace

} // namespace ofi_pmem
