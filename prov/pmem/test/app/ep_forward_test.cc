/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/ep.hh"

#include "app/av.hh"
#include "app/cq.hh"
#include "fixture/app_fixture.hh"

#include <utility>

namespace ofi_pmem
{

namespace
{

/*
 * Returns a value for argument `index` of a call that differs from the others.
 */
template <typename Arg> Arg sample(size_t index)
{
	if constexpr (std::is_pointer_v<Arg>)
		return reinterpret_cast<Arg>((index + 1) * 64);
	else
		return static_cast<Arg>(index + 1);
}

/*
 * Calls one slot of the outer object with made-up arguments and expects the
 * same slot of the inner one to get them.
 */
template <auto Slot, typename Ops, typename Outer, typename Inner,
	  size_t... Index>
void expect_forwarded(const Ops *ops, Outer *outer, Inner *inner,
		      std::index_sequence<Index...>)
{
	using Record = fake::Recorded<Slot>;
	using Arguments = typename Record::Arguments;
	Record::calls = 0;
	Record::result = 7;
	auto result = (ops->*Slot)(
		outer,
		sample<std::tuple_element_t<Index + 1, Arguments>>(Index)...);
	EXPECT_EQ(result, 7);
	EXPECT_EQ(Record::calls, 1);
	Arguments expected{
		inner,
		sample<std::tuple_element_t<Index + 1, Arguments>>(Index)...};
	EXPECT_TRUE(Record::args == expected);
}

template <auto Slot, typename Ops, typename Outer, typename Inner>
void expect_forwarded(const Ops *ops, Outer *outer, Inner *inner)
{
	using Arguments = typename fake::Recorded<Slot>::Arguments;
	constexpr size_t count = std::tuple_size_v<Arguments>;
	expect_forwarded<Slot>(ops, outer, inner,
			       std::make_index_sequence<count - 1>());
}

class EndpointTest : public AppTest
{
protected:
	void open(uint64_t caps, uint64_t op_flags = 0)
	{
		open_domain(caps);
		info->tx_attr->op_flags = op_flags;
		ASSERT_EQ(fi_endpoint(domain, info.get(), &ep, nullptr), 0);
		inner = inner_domain->ep;
	}

	void TearDown() override
	{
		if (ep) {
			EXPECT_EQ(fi_close(&ep->fid), 0);
		}
		AppTest::TearDown();
	}

	Endpoint *outer() { return static_cast<Endpoint *>(ep); }

	fid_ep *ep = nullptr;
	fake::Endpoint *inner = nullptr;
};

TEST_F(EndpointTest, MessagesAreForwarded)
{
	open(kPlain);
	using T = fi_ops_msg;
	fid_ep *below = inner;
	expect_forwarded<&T::recv>(ep->msg, ep, below);
	expect_forwarded<&T::recvv>(ep->msg, ep, below);
	expect_forwarded<&T::recvmsg>(ep->msg, ep, below);
	expect_forwarded<&T::send>(ep->msg, ep, below);
	expect_forwarded<&T::sendv>(ep->msg, ep, below);
	expect_forwarded<&T::sendmsg>(ep->msg, ep, below);
	expect_forwarded<&T::inject>(ep->msg, ep, below);
	expect_forwarded<&T::senddata>(ep->msg, ep, below);
	expect_forwarded<&T::injectdata>(ep->msg, ep, below);
}

TEST_F(EndpointTest, TaggedMessagesAreForwarded)
{
	open(kPersistent);
	using T = fi_ops_tagged;
	fid_ep *below = inner;
	expect_forwarded<&T::recv>(ep->tagged, ep, below);
	expect_forwarded<&T::recvv>(ep->tagged, ep, below);
	expect_forwarded<&T::recvmsg>(ep->tagged, ep, below);
	expect_forwarded<&T::send>(ep->tagged, ep, below);
	expect_forwarded<&T::sendv>(ep->tagged, ep, below);
	expect_forwarded<&T::sendmsg>(ep->tagged, ep, below);
	expect_forwarded<&T::inject>(ep->tagged, ep, below);
	expect_forwarded<&T::senddata>(ep->tagged, ep, below);
	expect_forwarded<&T::injectdata>(ep->tagged, ep, below);
}

TEST_F(EndpointTest, AtomicsAreForwarded)
{
	open(kPlain);
	using T = fi_ops_atomic;
	fid_ep *below = inner;
	expect_forwarded<&T::write>(ep->atomic, ep, below);
	expect_forwarded<&T::writev>(ep->atomic, ep, below);
	expect_forwarded<&T::writemsg>(ep->atomic, ep, below);
	expect_forwarded<&T::inject>(ep->atomic, ep, below);
	expect_forwarded<&T::readwrite>(ep->atomic, ep, below);
	expect_forwarded<&T::readwritev>(ep->atomic, ep, below);
	expect_forwarded<&T::readwritemsg>(ep->atomic, ep, below);
	expect_forwarded<&T::compwrite>(ep->atomic, ep, below);
	expect_forwarded<&T::compwritev>(ep->atomic, ep, below);
	expect_forwarded<&T::compwritemsg>(ep->atomic, ep, below);
	expect_forwarded<&T::writevalid>(ep->atomic, ep, below);
	expect_forwarded<&T::readwritevalid>(ep->atomic, ep, below);
	expect_forwarded<&T::compwritevalid>(ep->atomic, ep, below);
}

TEST_F(EndpointTest, ConnectionManagementIsForwarded)
{
	open(kPlain);
	using T = fi_ops_cm;
	fid_ep *below = inner;
	expect_forwarded<&T::setname>(ep->cm, &ep->fid, &below->fid);
	expect_forwarded<&T::getname>(ep->cm, &ep->fid, &below->fid);
	expect_forwarded<&T::getpeer>(ep->cm, ep, below);
	expect_forwarded<&T::connect>(ep->cm, ep, below);
	expect_forwarded<&T::accept>(ep->cm, ep, below);
	expect_forwarded<&T::shutdown>(ep->cm, ep, below);
	expect_forwarded<&T::join>(ep->cm, ep, below);
}

TEST_F(EndpointTest, OptionsAreForwarded)
{
	open(kPlain);
	using T = fi_ops_ep;
	fid_ep *below = inner;
	expect_forwarded<&T::cancel>(ep->ops, &ep->fid, &below->fid);
	expect_forwarded<&T::getopt>(ep->ops, &ep->fid, &below->fid);
	expect_forwarded<&T::setopt>(ep->ops, &ep->fid, &below->fid);
	expect_forwarded<&T::rx_size_left>(ep->ops, ep, below);
	expect_forwarded<&T::tx_size_left>(ep->ops, ep, below);
}

TEST_F(EndpointTest, EveryRmaCallReachesTheSameInnerCall)
{
	open(kPlain);
	using T = fi_ops_rma;
	fid_ep *below = inner;
	expect_forwarded<&T::read>(ep->rma, ep, below);
	expect_forwarded<&T::write>(ep->rma, ep, below);
	expect_forwarded<&T::inject>(ep->rma, ep, below);
	expect_forwarded<&T::writedata>(ep->rma, ep, below);
	expect_forwarded<&T::injectdata>(ep->rma, ep, below);

	iovec iov[2] = {{iov, 8}, {iov, 8}};
	EXPECT_EQ(fi_readv(ep, iov, nullptr, 2, 0, 1, 2, nullptr), 0);
	EXPECT_EQ(fake::Recorded<&T::readv>::calls, 1);
	EXPECT_EQ(std::get<3>(fake::Recorded<&T::readv>::args), 2u);
	EXPECT_EQ(fi_writev(ep, iov, nullptr, 2, 0, 1, 2, nullptr), 0);
	EXPECT_EQ(fake::Recorded<&T::writev>::calls, 1);
	fi_msg_rma request{};
	EXPECT_EQ(fi_readmsg(ep, &request, FI_COMPLETION), 0);
	EXPECT_EQ(std::get<1>(fake::Recorded<&T::readmsg>::args), &request);
	EXPECT_EQ(fi_writemsg(ep, &request, FI_FENCE), 0);
	EXPECT_EQ(std::get<2>(fake::Recorded<&T::writemsg>::args), FI_FENCE);
}

TEST_F(EndpointTest, CommitOnAnOrdinaryKeyIsRefused)
{
	open(kPersistent);
	fi_msg_rma request{};
	EXPECT_EQ(fi_writemsg(ep, &request, FI_COMMIT_COMPLETE), -FI_EINVAL);
	EXPECT_EQ(fi_readmsg(ep, &request, FI_COMMIT_COMPLETE), -FI_EINVAL);
	EXPECT_EQ(fake::Recorded<&fi_ops_rma::writemsg>::calls, 0);
	EXPECT_EQ(fake::Recorded<&fi_ops_rma::readmsg>::calls, 0);
}

TEST_F(EndpointTest, CommitOnMessagesAndAtomicsIsRefused)
{
	open(kPersistent);
	fi_msg message{};
	fi_msg_tagged tagged{};
	fi_msg_atomic atomic{};
	auto commit = FI_COMMIT_COMPLETE;
	EXPECT_EQ(fi_sendmsg(ep, &message, commit), -FI_EINVAL);
	EXPECT_EQ(fi_tsendmsg(ep, &tagged, commit), -FI_EINVAL);
	EXPECT_EQ(fi_atomicmsg(ep, &atomic, commit), -FI_EINVAL);
	EXPECT_EQ(fi_fetch_atomicmsg(ep, &atomic, nullptr, nullptr, 0, commit),
		  -FI_EINVAL);
	EXPECT_EQ(fi_compare_atomicmsg(ep, &atomic, nullptr, nullptr, 0,
				       nullptr, nullptr, 0, commit),
		  -FI_EINVAL);
	EXPECT_EQ(fake::Recorded<&fi_ops_msg::sendmsg>::calls, 0);
}

TEST_F(EndpointTest, DefaultCommitConcernsWritesOnly)
{
	open(kPersistent, FI_COMMIT_COMPLETE | FI_COMPLETION);
	EXPECT_EQ(inner_domain->ep_op_flags, FI_COMPLETION);
	EXPECT_EQ(inner_domain->ep_caps, kPlain);
	EXPECT_EQ(fi_write(ep, ep, 8, nullptr, 0, 0, 1, nullptr), -FI_EINVAL);
	EXPECT_EQ(fi_inject_write(ep, ep, 8, 0, 0, 1), -FI_EINVAL);
	EXPECT_EQ(fi_send(ep, ep, 8, nullptr, 0, nullptr), 0);
	EXPECT_EQ(fi_read(ep, ep, 8, nullptr, 0, 0, 1, nullptr), 0);
}

TEST_F(EndpointTest, OpFlagsAreTrackedAndPassedWithoutCommit)
{
	open(kPersistent);
	uint64_t flags = FI_TRANSMIT | FI_COMMIT_COMPLETE | FI_INJECT;
	EXPECT_EQ(fi_control(&ep->fid, FI_SETOPSFLAG, &flags), 0);
	EXPECT_EQ(inner->op_flags, uint64_t{FI_TRANSMIT | FI_INJECT});
	flags = FI_TRANSMIT;
	EXPECT_EQ(fi_control(&ep->fid, FI_GETOPSFLAG, &flags), 0);
	EXPECT_EQ(flags, FI_COMMIT_COMPLETE | FI_INJECT);
}

TEST_F(EndpointTest, CommitCanBecomeTheDefaultWhereInnerFlagsAreFixed)
{
	open(kPersistent);
	inner->control_result = -FI_ENOSYS;
	uint64_t flags = FI_TRANSMIT | FI_COMMIT_COMPLETE;
	EXPECT_EQ(fi_control(&ep->fid, FI_SETOPSFLAG, &flags), 0);
	EXPECT_EQ(outer()->tx_op_flags(), FI_COMMIT_COMPLETE);
	flags = FI_TRANSMIT | FI_INJECT;
	EXPECT_EQ(fi_control(&ep->fid, FI_SETOPSFLAG, &flags), -FI_ENOSYS);
	EXPECT_EQ(outer()->tx_op_flags(), FI_COMMIT_COMPLETE);
	inner->control_result = 0;
}

TEST_F(EndpointTest, AliasHasItsOwnFlagsAndHoldsTheOriginal)
{
	open(kPersistent);
	fid_ep *alias = nullptr;
	ASSERT_EQ(fi_ep_alias(ep, &alias, FI_TRANSMIT | FI_COMMIT_COMPLETE), 0);
	EXPECT_EQ(inner->op_flags, uint64_t{FI_TRANSMIT});
	EXPECT_EQ(static_cast<Endpoint *>(alias)->tx_op_flags(),
		  FI_COMMIT_COMPLETE);
	EXPECT_EQ(outer()->tx_op_flags(), 0u);
	EXPECT_EQ(fi_close(&ep->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&alias->fid), 0);
}

TEST_F(EndpointTest, BindingsAreRememberedAndHeld)
{
	open(kPersistent);
	fi_cq_attr attr{};
	fid_cq *cq = nullptr;
	fid_av *av = nullptr;
	fi_av_attr av_attr{};
	ASSERT_EQ(fi_cq_open(domain, &attr, &cq, nullptr), 0);
	ASSERT_EQ(fi_av_open(domain, &av_attr, &av, nullptr), 0);
	EXPECT_EQ(
		fi_ep_bind(ep, &cq->fid, FI_TRANSMIT | FI_SELECTIVE_COMPLETION),
		0);
	EXPECT_EQ(inner->bound, &inner_domain->cq->fid);
	EXPECT_EQ(fi_ep_bind(ep, &av->fid, 0), 0);
	EXPECT_EQ(outer()->bindings().tx_cq, cq);
	EXPECT_EQ(outer()->bindings().rx_cq, nullptr);
	EXPECT_EQ(outer()->bindings().av, av);
	EXPECT_FALSE(outer()->completes(0));
	EXPECT_TRUE(outer()->completes(FI_COMPLETION));

	EXPECT_EQ(fi_close(&cq->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&av->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&domain->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&fabric->fid), -FI_EBUSY);
	EXPECT_EQ(fi_close(&ep->fid), 0);
	ep = nullptr;
	EXPECT_EQ(fi_close(&cq->fid), 0);
	EXPECT_EQ(fi_close(&av->fid), 0);
}

TEST_F(EndpointTest, BindingAForeignObjectIsRefused)
{
	open(kPlain);
	fi_cq_attr attr{};
	fake::CompletionQueue foreign(&attr, nullptr);
	EXPECT_EQ(fi_ep_bind(ep, &foreign.fid, FI_TRANSMIT), -FI_EINVAL);
	EXPECT_EQ(inner->bound, nullptr);
}

TEST_F(EndpointTest, RefusedCloseLeavesTheEndpointUsable)
{
	open(kPlain);
	fake::Object<fid_ep>::close_result = -FI_EBUSY;
	EXPECT_EQ(fi_close(&ep->fid), -FI_EBUSY);
	fake::Object<fid_ep>::close_result = 0;
	EXPECT_EQ(fi_send(ep, ep, 8, nullptr, 0, nullptr), 0);
}

TEST_F(EndpointTest, MissingInnerTableIsRefusedNotCalled)
{
	open(kPlain);
	EXPECT_EQ(fi_barrier(ep, 0, nullptr), -FI_ENOSYS);
	inner->tagged = nullptr;
	EXPECT_EQ(fi_enable(ep), 0);
	EXPECT_EQ(fi_tsend(ep, ep, 8, nullptr, 0, 0, nullptr), -FI_ENOSYS);
}

TEST_F(EndpointTest, WhatWeDoNotLayerIsRefused)
{
	open(kPlain);
	fid_ep *other = nullptr;
	EXPECT_EQ(fi_scalable_ep(domain, info.get(), &other, nullptr),
		  -FI_ENOSYS);
	fid_stx *stx = nullptr;
	EXPECT_EQ(fi_stx_context(domain, nullptr, &stx, nullptr), -FI_ENOSYS);
	EXPECT_EQ(fi_control(&domain->fid, FI_QUEUE_WORK, nullptr), -FI_ENOSYS);
	EXPECT_EQ(fi_endpoint2(domain, info.get(), &other, FI_PEER, nullptr),
		  -FI_ENOSYS);
}

TEST_F(EndpointTest, SharedReceiveForwardsReceivesAndRefusesSends)
{
	open_domain(kPlain);
	fid_ep *srx = nullptr;
	fi_rx_attr attr{};
	ASSERT_EQ(fi_srx_context(domain, &attr, &srx, nullptr), 0);
	fid_ep *below = inner_domain->ep;
	expect_forwarded<&fi_ops_msg::recv>(srx->msg, srx, below);
	expect_forwarded<&fi_ops_msg::recvmsg>(srx->msg, srx, below);
	expect_forwarded<&fi_ops_tagged::recv>(srx->tagged, srx, below);
	EXPECT_EQ(fi_send(srx, srx, 8, nullptr, 0, nullptr), -FI_ENOSYS);
	EXPECT_EQ(fi_write(srx, srx, 8, nullptr, 0, 0, 0, nullptr), -FI_ENOSYS);
	EXPECT_EQ(fi_close(&srx->fid), 0);
}

} // namespace

} // namespace ofi_pmem
