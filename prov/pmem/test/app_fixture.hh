/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A fabric and domain of ours around the fake inner provider.
 */
#pragma once

#include <cstdlib>

#include "app/domain.hh"
#include "app/fabric.hh"
#include "app/info_variant.hh"
#include "fake_inner.hh"

#include <gtest/gtest.h>

namespace ofi_pmem
{

inline InfoPtr make_info(uint64_t caps)
{
	InfoPtr info(fi_allocinfo());
	info->caps = caps;
	info->addr_format = FI_SOCKADDR_IN;
	info->tx_attr->caps = caps;
	info->rx_attr->caps = caps;
	info->ep_attr->type = FI_EP_MSG;
	info->fabric_attr->name = strdup("fake");
	info->fabric_attr->prov_name = strdup("fake;ofi_pmem");
	info->domain_attr->name = strdup("fake0");
	return info;
}

class AppTest : public ::testing::Test
{
protected:
	static constexpr uint64_t kPlain = FI_MSG | FI_RMA;
	static constexpr uint64_t kPersistent = kPlain | FI_RMA_PMEM;

	void SetUp() override
	{
		inner_fabric = new fake::Fabric;
		fi_fabric_attr attr{};
		attr.api_version = FI_VERSION(1, 17);
		ASSERT_EQ(Fabric::wrap(attr, nullptr,
				       FidPtr<fid_fabric>(inner_fabric),
				       &fabric),
			  0);
	}

	void TearDown() override
	{
		if (domain) {
			EXPECT_EQ(fi_close(&domain->fid), 0);
		}
		EXPECT_EQ(fi_close(&fabric->fid), 0);
		EXPECT_EQ(fake::Object<fid_fabric>::alive, 0);
		EXPECT_EQ(fake::Object<fid_domain>::alive, 0);
	}

	/* Opens `domain`; its inner one takes the keys that are requested. */
	void open_domain(uint64_t caps)
	{
		info = make_info(caps);
		auto &parent = *static_cast<Fabric *>(fabric);
		ASSERT_EQ(Domain::open_app_plane(parent, *info, 0, nullptr,
						 &domain),
			  0);
		inner_domain = inner_fabric->domain;
	}

	fake::Fabric *inner_fabric = nullptr;
	fake::Domain *inner_domain = nullptr;
	fid_fabric *fabric = nullptr;
	fid_domain *domain = nullptr;
	InfoPtr info;
};

} // namespace ofi_pmem
