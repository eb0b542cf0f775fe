/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/mr.hh"

#include "app/av.hh"
#include "core/key.hh"
#include "fixture/app_fixture.hh"

#include <netinet/in.h>

#include <algorithm>

namespace ofi_pmem
{

namespace
{

class MemoryRegionTest : public AppTest
{
protected:
	fid_mr *reg(uint64_t key, uint64_t flags = 0)
	{
		fid_mr *mr = nullptr;
		EXPECT_EQ(fi_mr_reg(domain, buf, sizeof(buf), FI_REMOTE_WRITE,
				    0, key, flags, &mr, nullptr),
			  0);
		return mr;
	}

	char buf[64];
};

TEST_F(MemoryRegionTest, PlainDomainTakesTheRequestedKey)
{
	open_domain(kPlain);
	auto mr = reg(5);
	EXPECT_EQ(fi_mr_key(mr), 5u);
	EXPECT_EQ(fi_mr_desc(mr), fi_mr_desc(inner_domain->region));
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

TEST_F(MemoryRegionTest, PersistentDomainSuppliesKeysThatCannotBeGuessed)
{
	info = make_info(kPersistent);
	open_domain(kPersistent);
	/* The fake provider is unknown to fi_getinfo(), so the info's own
	 * mr_mode decides: without FI_MR_PROV_KEY the keys are ours. */
	auto first = reg(5);
	auto second = reg(5);
	/* Random ones are nearer to each other once in a billion runs. */
	uint64_t distance = fi_mr_key(first) - fi_mr_key(second);
	EXPECT_GT(std::min(distance, -distance), 1ULL << 32);
	EXPECT_FALSE(Key(fi_mr_key(first)).persistent());
	EXPECT_EQ(fi_close(&first->fid), 0);
	EXPECT_EQ(fi_close(&second->fid), 0);
}

TEST_F(MemoryRegionTest, InnerProviderNeverSeesThePersistenceFlag)
{
	open_domain(kPersistent);
	auto mr = reg(1, FI_RMA_PMEM | FI_RMA_EVENT);
	EXPECT_EQ(inner_domain->mr_flags, FI_RMA_EVENT);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

TEST_F(MemoryRegionTest, PersistentRegionNeedsAPersistentDomain)
{
	open_domain(kPlain);
	fid_mr *mr = nullptr;
	EXPECT_EQ(fi_mr_reg(domain, buf, 8, FI_REMOTE_WRITE, 0, 1, FI_RMA_PMEM,
			    &mr, nullptr),
		  -FI_EINVAL);
	EXPECT_EQ(inner_domain->region, nullptr);
}

TEST_F(MemoryRegionTest, AttributesPassTheirKeyAndContext)
{
	open_domain(kPlain);
	iovec iov{buf, sizeof(buf)};
	fi_mr_attr attr{};
	attr.mr_iov = &iov;
	attr.iov_count = 1;
	attr.requested_key = 9;
	attr.context = &iov;
	fid_mr *mr = nullptr;
	ASSERT_EQ(fi_mr_regattr(domain, &attr, 0, &mr), 0);
	EXPECT_EQ(fi_mr_key(mr), 9u);
	EXPECT_EQ(mr->fid.context, &iov);
	EXPECT_EQ(inner_domain->region->fid.context, &iov);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

TEST_F(MemoryRegionTest, KeyIsReadAgainAfterEnable)
{
	open_domain(kPlain);
	auto mr = reg(FI_KEY_NOTAVAIL);
	EXPECT_EQ(fi_mr_enable(mr), 0);
	EXPECT_EQ(fi_mr_key(mr), 77u);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

TEST_F(MemoryRegionTest, OpenRegionHoldsTheDomain)
{
	open_domain(kPlain);
	auto mr = reg(1);
	EXPECT_EQ(fi_close(&domain->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&mr->fid), 0);
}

class AddressVectorTest : public AppTest
{
protected:
	void open(int rx_ctx_bits = 0)
	{
		open_domain(kPersistent);
		fi_av_attr attr{};
		attr.rx_ctx_bits = rx_ctx_bits;
		ASSERT_EQ(fi_av_open(domain, &attr, &av, nullptr), 0);
	}

	void TearDown() override
	{
		EXPECT_EQ(fi_close(&av->fid), 0);
		AppTest::TearDown();
	}

	AddressVector *outer() { return static_cast<AddressVector *>(av); }

	void set_name(const void *name, size_t len)
	{
		auto begin = static_cast<const char *>(name);
		inner_domain->av->name.assign(begin, begin + len);
	}

	fid_av *av = nullptr;
};

TEST_F(AddressVectorTest, AddressOfAPeerIgnoresReceiveContextBits)
{
	open(4);
	sockaddr_in name{};
	name.sin_family = AF_INET;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	set_name(&name, sizeof(name));
	sockaddr_storage found{};
	EXPECT_EQ(outer()->peers().ip_of(fi_rx_addr(3, 9, 4), &found), 0);
	EXPECT_EQ(inner_domain->av->looked_up, 3u);
	EXPECT_EQ(memcmp(&found, &name, sizeof(name)), 0);
}

TEST_F(AddressVectorTest, AddressWithoutIpIsRefused)
{
	open();
	sockaddr_storage name{};
	name.ss_family = AF_UNIX;
	set_name(&name, sizeof(name));
	sockaddr_storage found{};
	EXPECT_EQ(outer()->peers().ip_of(0, &found), -FI_EADDRNOTAVAIL);
	set_name(nullptr, 0);
	EXPECT_EQ(outer()->peers().ip_of(0, &found), -FI_ENOENT);
}

class Removals : public AvListener
{
public:
	void address_removed(fi_addr_t address) noexcept override
	{
		/* Before the inner provider forgets the address. */
		EXPECT_EQ(fake::Recorded<&fi_ops_av::remove>::calls, 0);
		removed.push_back(address);
	}

	std::vector<fi_addr_t> removed;
};

TEST_F(AddressVectorTest, ListenersHearOfRemovals)
{
	open();
	Removals listener;
	outer()->peers().add_listener(&listener);
	fi_addr_t addresses[] = {2, 3};
	EXPECT_EQ(fi_av_remove(av, addresses, 2, 0), 0);
	EXPECT_EQ(listener.removed, (std::vector<fi_addr_t>{2, 3}));
	EXPECT_EQ(fake::Recorded<&fi_ops_av::remove>::calls, 1);

	outer()->peers().remove_listener(&listener);
	EXPECT_EQ(fi_av_remove(av, addresses, 1, 0), 0);
	EXPECT_EQ(listener.removed.size(), 2u);
}

} // namespace

} // namespace ofi_pmem
