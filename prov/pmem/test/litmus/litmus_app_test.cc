/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The litmus programs by the calls of an application, on MSG and on RDM
 * endpoints, over tcp.
 */
#include "litmus/litmus.hh"

#include "fixture/app_plane_fixture.hh"

#include <rdma/fi_ext_pmem.h>

namespace ofi_pmem
{

namespace
{

using namespace test;
using litmus::Do;

constexpr uint64_t kBase = 0x4000;

class LitmusCalls : public AppPlaneTest,
		    public litmus::Execution,
		    public ::testing::WithParamInterface<fi_ep_type>
{
protected:
	void SetUp() override
	{
		AppPlaneTest::SetUp();
		AppPlaneTest::prepare(kPersistent);
		info->ep_attr->type = GetParam();
		info->tx_attr->iov_limit = 1;
		info->tx_attr->rma_iov_limit = 1;
		info->tx_attr->inject_size = 64;
		open();
		endpoints_[0] = ep;
		ASSERT_EQ(fi_endpoint(domain, info.get(), &endpoints_[1],
				      nullptr),
			  0);
		inner_domain->ep->cm_table.getpeer = loopback;
		ASSERT_EQ(fi_ep_bind(endpoints_[1], &cq->fid,
				     FI_TRANSMIT | FI_RECV),
			  0);
		if (GetParam() == FI_EP_RDM)
			open_av();
		void *opened = nullptr;
		ASSERT_EQ(fi_open_ops(&ep->fid, FI_PMEM_EP_OPS, 0, &opened,
				      nullptr),
			  0);
		ops_ = static_cast<fi_ops_pmem_ep *>(opened);
		use({add_one(), add_one()});
	}

	void TearDown() override
	{
		EXPECT_EQ(fi_close(&endpoints_[1]->fid), 0);
		close_endpoint();
		if (av_) {
			EXPECT_EQ(fi_close(&av_->fid), 0);
		}
		for (Key key : keys_)
			persistence().remove_region(key);
		AppPlaneTest::TearDown();
	}

private:
	Region add_one()
	{
		FakeMedium *medium = &media_.emplace_back(1 << 16);
		keys_.push_back(add_region(medium, kBase,
					   FI_REMOTE_READ | FI_REMOTE_WRITE));
		return {medium, keys_.back().value(), kBase};
	}

	void open_av()
	{
		fi_av_attr attr{};
		ASSERT_EQ(fi_av_open(domain, &attr, &av_, nullptr), 0);
		sockaddr_in name{};
		size_t len = sizeof(name);
		loopback(nullptr, &name, &len);
		auto bytes = reinterpret_cast<char *>(&name);
		inner_domain->av->name.assign(bytes, bytes + sizeof(name));
		for (fid_ep *one : endpoints_)
			ASSERT_EQ(fi_ep_bind(one, &av_->fid, 0), 0);
	}

	void begin(uint64_t) override {}

	ssize_t try_post(Do what, bool checked, size_t endpoint,
			 const fi_msg_rma &msg) override
	{
		uint64_t flags = FI_COMPLETION | (checked ? FI_PMEM_VERIFY : 0);
		fid_ep *chosen = endpoints_[endpoint];
		if (what == Do::drain_all)
			return ops_->drain_all(chosen, msg.context, flags);
		if (is_ordered(what))
			return ops_->write_ordered(chosen, &msg, flags);
		if (!is_flush(what))
			return fi_writemsg(chosen, &msg,
					   flags_of(what) | flags);
		fi_pmem_msg_flush flush{msg.rma_iov,
					msg.rma_iov_count,
					msg.addr,
					msg.context,
					what == Do::flush_visible
						? FI_PMEM_PLACE_VISIBLE
						: FI_PMEM_PLACE_PERSISTENT,
					selectivity_of(what)};
		return ops_->flushv(chosen, &flush, flags);
	}

	static fi_pmem_selectivity selectivity_of(Do what)
	{
		switch (what) {
		case Do::flush_region:
			return FI_PMEM_SELECT_REGIONS;
		case Do::flush_peer:
			return FI_PMEM_SELECT_PEER;
		default:
			return FI_PMEM_SELECT_RANGES;
		}
	}

	void progress() override
	{
		fi_cq_msg_entry entry{};
		ssize_t ret = fi_cq_read(cq, &entry, 1);
		if (ret == 1)
			completed(entry.op_context);
		else
			ASSERT_EQ(ret, -FI_EAGAIN);
	}

	std::deque<FakeMedium> media_;
	std::vector<Key> keys_;
	std::array<fid_ep *, 2> endpoints_{};
	fid_av *av_ = nullptr;
	fi_ops_pmem_ep *ops_ = nullptr;
};

TEST_P(LitmusCalls, NothingForbiddenIsSeen)
{
	run_all();
}

TEST_P(LitmusCalls, NothingForbiddenIsSeenWithSomeChecked)
{
	check_half();
	run_all();
}

INSTANTIATE_TEST_SUITE_P(Endpoints, LitmusCalls,
			 ::testing::Values(FI_EP_MSG, FI_EP_RDM),
			 [](const auto &test) {
				 return std::string(test.param == FI_EP_MSG
							    ? "msg"
							    : "rdm");
			 });

} // namespace

} // namespace ofi_pmem
