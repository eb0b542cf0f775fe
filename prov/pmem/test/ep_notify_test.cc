/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How the remote CQ data of a committed write goes out on the inner endpoint
 * (a fake); the write itself goes to a real service over tcp.
 */
#include "app/ep.hh"
#include "app_fixture.hh"
#include "fake_backend.hh"

#include <arpa/inet.h>

#include <chrono>

namespace ofi_pmem
{

namespace
{

class Notify : public AppTest
{
protected:
	void SetUp() override
	{
		AppTest::SetUp();
		info = make_info(kPersistent);
		free(info->fabric_attr->prov_name);
		info->fabric_attr->prov_name = strdup("tcp;ofi_pmem");
		info->fabric_attr->api_version = fi_version();
		free(info->domain_attr->name);
		info->domain_attr->name = strdup("lo");
		info->domain_attr->cq_data_size = 4;
		info->tx_attr->iov_limit = 1;
		info->tx_attr->rma_iov_limit = 1;
		info->ep_attr->max_msg_size = 1 << 20;
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
		inner_domain->ep->rma_table.writemsg = writemsg;
		ASSERT_EQ(fi_ep_bind(ep, &cq->fid, FI_TRANSMIT | FI_RECV), 0);
		add_region();
		notified = nullptr;
	}

	void TearDown() override
	{
		EXPECT_EQ(fi_close(&ep->fid), 0);
		EXPECT_EQ(fi_close(&cq->fid), 0);
		persistence().remove_region(key_);
		AppTest::TearDown();
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

	static ssize_t writemsg(fid_ep *, const fi_msg_rma *msg,
				uint64_t flags) noexcept
	{
		/* verbs and rxm look into every descriptor of other writes,
		 * and verbs into those of the array when there is one. */
		EXPECT_TRUE(flags & FI_INJECT);
		EXPECT_EQ(msg->desc, nullptr);
		EXPECT_TRUE(flags & FI_REMOTE_CQ_DATA);
		EXPECT_TRUE(flags & FI_COMPLETION);
		EXPECT_EQ(msg->data, 77u);
		/* verbs writes the one element that it makes room for. */
		EXPECT_EQ(msg->iov_count, 1u);
		EXPECT_EQ(msg->msg_iov->iov_len, 0u);
		notified = msg->context;
		return 0;
	}

	Persistence &persistence()
	{
		return *static_cast<Domain *>(domain)->persistence();
	}

	void add_region()
	{
		medium_.one_sided = false;
		RegionRequest request{};
		request.memory = medium_.visible.data();
		request.len = medium_.visible.size();
		request.access = FI_REMOTE_WRITE;
		request.backend = std::make_unique<test::FakeBackend>(&medium_);
		ASSERT_EQ(persistence().add_region(std::move(request), &key_),
			  0);
	}

	/* Calls until it answers something else than -FI_EAGAIN. */
	template <typename Call> ssize_t insist(Call &&call)
	{
		using Clock = std::chrono::steady_clock;
		auto end = Clock::now() + std::chrono::seconds(20);
		ssize_t ret;
		while ((ret = call()) == -FI_EAGAIN && Clock::now() < end)
			EXPECT_EQ(fi_cq_read(cq, nullptr, 0), -FI_EAGAIN);
		return ret;
	}

	static inline void *notified = nullptr;

	test::FakeMedium medium_{4096};
	Key key_{0};
	fid_cq *cq = nullptr;
	fid_ep *ep = nullptr;
};

TEST_F(Notify, NeedsNoDescriptorAndCompletesTheWrite)
{
	uint64_t value = 5;
	iovec iov{&value, sizeof(value)};
	fi_rma_iov range{0, sizeof(value), key_.value()};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.iov_count = 1;
	msg.rma_iov = &range;
	msg.rma_iov_count = 1;
	msg.context = &value;
	msg.data = 77;
	ASSERT_EQ(insist([&] {
			  return fi_writemsg(ep, &msg,
					     FI_COMMIT_COMPLETE |
						     FI_REMOTE_CQ_DATA);
		  }),
		  0);
	EXPECT_EQ(insist([] { return notified ? 0 : -FI_EAGAIN; }), 0);
	ASSERT_NE(notified, nullptr);
	inner_domain->cq->complete(notified);
	fi_cq_msg_entry entry{};
	EXPECT_EQ(insist([&] { return fi_cq_read(cq, &entry, 1); }), 1);
	EXPECT_EQ(entry.op_context, &value);
}

} // namespace

} // namespace ofi_pmem
