/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/cq.hh"
#include "app/ep.hh"
#include "bridge/marker_gate.hh"
#include "core/params.hh"
#include "fixture/app_fixture.hh"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

namespace ofi_pmem
{

namespace
{

/* An endpoint on a fake inner one, whose empty writes are examined. */
class TransmitGateTest : public AppTest
{
protected:
	void open(const char *provider = "verbs;ofi_pmem",
		  fi_wait_obj wait_obj = FI_WAIT_NONE)
	{
		open_domain(kPersistent | FI_FENCE);
		inner_fd = eventfd(0, EFD_NONBLOCK);
		inner_domain->cq_wait_fd = inner_fd;
		free(info->fabric_attr->prov_name);
		info->fabric_attr->prov_name = strdup(provider);
		ASSERT_EQ(fi_endpoint(domain, info.get(), &ep, nullptr), 0);
		inner_domain->ep->rma_table.writemsg = writemsg;
		markers.clear();
		answer = 0;
		fi_cq_attr attr{};
		attr.size = 100;
		attr.wait_obj = wait_obj;
		ASSERT_EQ(fi_cq_open(domain, &attr, &cq, nullptr), 0);
		static_cast<CompletionQueue *>(cq)->plane().make_places();
		inner_domain->cq->entry_size = sizeof(fi_cq_entry);
		ASSERT_EQ(fi_ep_bind(ep, &cq->fid,
				     FI_TRANSMIT | FI_SELECTIVE_COMPLETION),
			  0);
		gate = std::make_unique<MarkerGate>(endpoint_of(ep).host());
	}

	void TearDown() override
	{
		gate.reset();
		if (ep) {
			EXPECT_EQ(fi_close(&ep->fid), 0);
		}
		if (cq) {
			EXPECT_EQ(fi_close(&cq->fid), 0);
		}
		if (inner_fd >= 0)
			close(inner_fd);
		AppTest::TearDown();
	}

	static ssize_t writemsg(fid_ep *, const fi_msg_rma *msg,
				uint64_t flags) noexcept
	{
		EXPECT_EQ(flags, uint64_t{FI_INJECT | FI_COMPLETION});
		EXPECT_EQ(msg->desc, nullptr);
		EXPECT_EQ(msg->iov_count, 1u);
		EXPECT_EQ(msg->msg_iov->iov_len, 0u);
		EXPECT_EQ(msg->rma_iov_count, 1u);
		EXPECT_EQ(msg->rma_iov->len, 0u);
		markers.push_back(msg->context);
		return answer;
	}

	void transmit() { gate->end(Transmit::send, true); }
	ssize_t read() { return fi_cq_read(cq, entries, 8); }

	static inline std::vector<void *> markers;
	static inline ssize_t answer = 0;

	int inner_fd = -1;
	fid_ep *ep = nullptr;
	fid_cq *cq = nullptr;
	fi_cq_entry entries[8];
	std::unique_ptr<MarkerGate> gate;
};

TEST_F(TransmitGateTest, NothingTransmittedNeedsNoMarker)
{
	open();
	gate->end(Transmit::write, false);
	EXPECT_EQ(gate->idle(), 0);
	EXPECT_TRUE(markers.empty());
}

TEST_F(TransmitGateTest, MarkerIsAwaitedAndKeptFromTheApplication)
{
	open();
	transmit();
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	ASSERT_EQ(markers.size(), 1u);
	int own = 0;
	inner_domain->cq->complete(&own);
	EXPECT_EQ(read(), 1);
	EXPECT_EQ(entries[0].op_context, &own);
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	inner_domain->cq->complete(markers[0]);
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), 0);
	EXPECT_EQ(markers.size(), 1u);
}

TEST_F(TransmitGateTest, TransmitBehindTheMarkerNeedsAnother)
{
	open();
	transmit();
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	transmit();
	inner_domain->cq->complete(markers.back());
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	ASSERT_EQ(markers.size(), 2u);
	inner_domain->cq->complete(markers.back());
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), 0);
}

TEST_F(TransmitGateTest, RefusedMarkerIsReportedAndTriedAgain)
{
	open();
	transmit();
	for (ssize_t refusal : {-FI_EAGAIN, -FI_EINVAL}) {
		answer = refusal;
		/* More often than the queue has places. */
		for (int i = 0; i < 200; i++)
			ASSERT_EQ(gate->idle(), refusal);
	}
	answer = 0;
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	inner_domain->cq->complete(markers.back());
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), 0);
}

TEST_F(TransmitGateTest, FailedMarkerSaysThatTransmitsHaveEnded)
{
	open();
	transmit();
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	inner_domain->cq->fail(markers.back(), FI_ECANCELED);
	EXPECT_EQ(read(), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), 0);
}

TEST_F(TransmitGateTest, MarkerGivesItsPlaceInTheQueueBack)
{
	open();
	for (int i = 0; i < 500; i++) {
		transmit();
		ASSERT_EQ(gate->idle(), -FI_EAGAIN);
		ASSERT_EQ(markers.size(), i + 1u);
		inner_domain->cq->complete(markers.back());
		ASSERT_EQ(read(), -FI_EAGAIN);
		ASSERT_EQ(gate->idle(), 0);
	}
}

TEST_F(TransmitGateTest, SleeperWakesForTheMarker)
{
	open("verbs;ofi_pmem", FI_WAIT_FD);
	transmit();
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	inner_domain->cq->complete(markers.back());
	/* It would sleep for ever. */
	EXPECT_EQ(fi_cq_sread(cq, entries, 8, nullptr, -1), -FI_EAGAIN);
	EXPECT_EQ(gate->idle(), 0);
}

TEST_F(TransmitGateTest, MarkerMayCompleteAfterTheEndpointIsClosed)
{
	open();
	transmit();
	EXPECT_EQ(gate->idle(), -FI_EAGAIN);
	gate->close();
	gate.reset();
	inner_domain->cq->complete(markers.back());
	EXPECT_EQ(read(), -FI_EAGAIN);
}

TEST_F(TransmitGateTest, QueueHasRoomForTheMarkers)
{
	open();
	EXPECT_GT(inner_domain->cq->attr.size, 100u);
}

TEST_F(TransmitGateTest, InnerProviderWithCountersIsCounted)
{
	open();
	std::unique_ptr<TransmitGate> opened;
	ASSERT_EQ(open_transmit_gate(endpoint_of(ep).host(), &opened), 0);
	EXPECT_TRUE(opened->takes_counters());
	opened->begin(Transmit::send);
	opened->end(Transmit::send, true);
	EXPECT_EQ(opened->idle(), -FI_EAGAIN);
	opened->begin(Transmit::read);
	opened->end(Transmit::read, false);
	EXPECT_EQ(opened->idle(), -FI_EAGAIN);
	EXPECT_TRUE(markers.empty());
}

/* Does the same with counters like those of tcp and rxm. */
class CountingGateTest : public TransmitGateTest
{
protected:
	void open_counting()
	{
		open("tcp;ofi_pmem");
		inner_domain->table.cntr_open = open_counter;
		counters.clear();
		ASSERT_EQ(open_transmit_gate(endpoint_of(ep).host(), &counting),
			  0);
		ASSERT_EQ(counters.size(), 3u);
	}

	void TearDown() override
	{
		counting.reset();
		unsetenv("FI_OFI_PMEM_OPERATION_TIMEOUT_MS");
		ASSERT_EQ(load_params(), 0);
		TransmitGateTest::TearDown();
	}

	static int open_counter(fid_domain *, fi_cntr_attr *, fid_cntr **out,
				void *context) noexcept
	{
		counters.push_back(new fake::Counter(context));
		*out = counters.back();
		return 0;
	}

	void transmit(Transmit kind)
	{
		counting->begin(kind);
		counting->end(kind, true);
	}

	/* These count sends, writes and reads. */
	static inline std::vector<fake::Counter *> counters;

	std::unique_ptr<TransmitGate> counting;
};

TEST_F(CountingGateTest, WaitsForEveryKind)
{
	open_counting();
	transmit(Transmit::send);
	transmit(Transmit::read);
	EXPECT_EQ(counting->idle(), -FI_EAGAIN);
	counters[0]->value = 1;
	EXPECT_EQ(counting->idle(), -FI_EAGAIN);
	counters[2]->value = 1;
	EXPECT_EQ(counting->idle(), 0);
}

/* rxm counts a failed RMA operation in this way. */
TEST_F(CountingGateTest, FailureMayBeCountedAsOfAnotherKind)
{
	open_counting();
	transmit(Transmit::write);
	EXPECT_EQ(counting->idle(), -FI_EAGAIN);
	counters[0]->errors = 1;
	EXPECT_EQ(counting->idle(), 0);
	transmit(Transmit::send);
	EXPECT_EQ(counting->idle(), -FI_EAGAIN);
	counters[0]->value = 1;
	EXPECT_EQ(counting->idle(), 0);
}

/* tcp does not count what a lost connection has ended. */
TEST_F(CountingGateTest, NothingIsOutstandingBehindALostConnection)
{
	open_counting();
	transmit(Transmit::send);
	EXPECT_EQ(counting->idle(), -FI_EAGAIN);
	inner_domain->ep->cm_table.getpeer = [](fid_ep *, void *,
						size_t *) noexcept {
		return -FI_ENOTCONN;
	};
	EXPECT_EQ(counting->idle(), 0);
}

TEST_F(CountingGateTest, WhatNeverCompletesIsReportedInTime)
{
	open_counting();
	setenv("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", "30", 1);
	ASSERT_EQ(load_params(), 0);
	transmit(Transmit::send);
	using Clock = std::chrono::steady_clock;
	auto patience = Clock::now() + std::chrono::seconds(20);
	int ret;
	while ((ret = counting->idle()) == -FI_EAGAIN &&
	       Clock::now() < patience)
		continue;
	EXPECT_EQ(ret, -FI_ETIMEDOUT);
	/* The fence stands, and goes on to wait. */
	EXPECT_EQ(counting->idle(), -FI_EAGAIN);
	counters[0]->value = 1;
	EXPECT_EQ(counting->idle(), 0);
}

TEST_F(TransmitGateTest, VerbsWithoutCountersGetsMarkers)
{
	open();
	inner_domain->table.cntr_open = no_sys;
	std::unique_ptr<TransmitGate> opened;
	ASSERT_EQ(open_transmit_gate(endpoint_of(ep).host(), &opened), 0);
	EXPECT_FALSE(opened->takes_counters());
	opened->end(Transmit::send, true);
	EXPECT_EQ(opened->idle(), -FI_EAGAIN);
	EXPECT_EQ(markers.size(), 1u);
	opened->close();
}

TEST_F(TransmitGateTest, OtherOrderOfCompletionsWithoutCountersIsRefused)
{
	open("tcp;ofi_pmem");
	inner_domain->table.cntr_open = no_sys;
	std::unique_ptr<TransmitGate> opened;
	EXPECT_EQ(open_transmit_gate(endpoint_of(ep).host(), &opened),
		  -FI_ENOSYS);
}

} // namespace

} // namespace ofi_pmem
