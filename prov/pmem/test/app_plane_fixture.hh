/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An endpoint with a persistence plane: the inner one is a fake that the test
 * looks at, while channels and service are real, over tcp on loopback.
 */
#pragma once

#include <chrono>

#include <arpa/inet.h>

#include "app/ep.hh"
#include "app_fixture.hh"
#include "fake_backend.hh"
#include "persist/ledger_backend.hh"

namespace ofi_pmem
{

class AppPlaneTest : public AppTest
{
protected:
	using Clock = std::chrono::steady_clock;
	static constexpr auto kPatience = std::chrono::seconds(20);

	/* Sets `info`, in which a test limits what it likes before open(). */
	void prepare(uint64_t caps)
	{
		info = make_info(caps);
		free(info->fabric_attr->prov_name);
		info->fabric_attr->prov_name = strdup("tcp;ofi_pmem");
		info->fabric_attr->api_version = fi_version();
		free(info->domain_attr->name);
		info->domain_attr->name = strdup("lo");
		info->ep_attr->max_msg_size = 1 << 20;
	}

	/* The domain, and an endpoint with a queue for everything. */
	void open()
	{
		auto &parent = *static_cast<Fabric *>(fabric);
		ASSERT_EQ(Domain::open(parent, *info, 0, nullptr, &domain), 0);
		inner_domain = inner_fabric->domain;
		fi_cq_attr attr{};
		attr.format = FI_CQ_FORMAT_MSG;
		attr.wait_obj = FI_WAIT_NONE;
		ASSERT_EQ(fi_cq_open(domain, &attr, &cq, nullptr), 0);
		inner_domain->cq->entry_size = sizeof(fi_cq_msg_entry);
		ASSERT_EQ(fi_endpoint(domain, info.get(), &ep, nullptr), 0);
		inner_domain->ep->cm_table.getpeer = loopback;
		ASSERT_EQ(fi_ep_bind(ep, &cq->fid, FI_TRANSMIT | FI_RECV), 0);
	}

	void close_endpoint()
	{
		if (ep) {
			EXPECT_EQ(fi_close(&ep->fid), 0);
		}
		if (cq) {
			EXPECT_EQ(fi_close(&cq->fid), 0);
		}
	}

	static int loopback(fid_ep *, void *address, size_t *len) noexcept
	{
		sockaddr_in name{};
		name.sin_family = AF_INET;
		name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(address, &name, sizeof(name));
		*len = sizeof(name);
		return 0;
	}

	Persistence &persistence()
	{
		return *static_cast<Domain *>(domain)->persistence();
	}

	/* Only the service touches it. Its memory begins `skipped` bytes on. */
	Key add_region(test::FakeMedium *medium, uint64_t base, uint64_t access,
		       size_t skipped = 0)
	{
		medium->one_sided = false;
		RegionRequest request{};
		request.memory = medium->visible.data() + skipped;
		request.len = medium->visible.size() - skipped;
		request.base = base;
		request.access = access;
		request.backend = std::make_unique<LedgerBackend>(
			std::make_unique<test::FakeBackend>(medium));
		Key key(0);
		EXPECT_EQ(persistence().add_region(std::move(request), &key),
			  0);
		return key;
	}

	/* Repeats while nothing happens; progresses meanwhile. */
	template <typename Call> ssize_t post(Call &&call)
	{
		auto end = Clock::now() + kPatience;
		ssize_t ret;
		while ((ret = call()) == -FI_EAGAIN && Clock::now() < end)
			EXPECT_EQ(fi_cq_read(cq, nullptr, 0), -FI_EAGAIN);
		return ret;
	}

	/* The next completion. */
	fi_cq_msg_entry wait()
	{
		fi_cq_msg_entry entry{};
		auto end = Clock::now() + kPatience;
		ssize_t ret;
		while ((ret = fi_cq_read(cq, &entry, 1)) == -FI_EAGAIN &&
		       Clock::now() < end)
			continue;
		EXPECT_EQ(ret, 1);
		return entry;
	}

	fid_cq *cq = nullptr;
	fid_ep *ep = nullptr;
};

} // namespace ofi_pmem
