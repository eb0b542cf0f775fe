/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/marker_gate.hh"

#include "app/cq.hh"
#include "app/ep.hh"

#include <rdma/fi_rma.h>

namespace ofi_pmem
{

/*
 * The empty write. It outlives the gate in the queue that it was posted to,
 * when the endpoint is closed before it completes.
 */
class MarkerGate::Marker final : public InternalOp
{
public:
	/* An error too says that what was posted before has ended. */
	void inner_completed(int, int) noexcept override
	{
		/* The gate may be closed once nothing is outstanding. */
		CompletionQueue *cq = cq_;
		outstanding_ = false;
		cq->unreserve();
		cq->wake_reader();
	}

	void posting(CompletionQueue *cq) noexcept
	{
		cq_ = cq;
		outstanding_ = true;
	}

	void not_posted() noexcept { outstanding_ = false; }
	bool outstanding() const noexcept { return outstanding_; }
	CompletionQueue *queue() const noexcept { return cq_; }

private:
	CompletionQueue *cq_ = nullptr;
	std::atomic<bool> outstanding_{false};
};

MarkerGate::MarkerGate(Endpoint *endpoint)
	: endpoint_(endpoint), marker_(std::make_unique<Marker>())
{
}

MarkerGate::~MarkerGate() = default;

int MarkerGate::idle() noexcept
{
	std::lock_guard<std::mutex> guard(lock_);
	if (marker_->outstanding())
		return -FI_EAGAIN;
	if (!posted_)
		return 0;
	CompletionQueue *cq = endpoint_->bindings().tx_cq;
	if (!cq)
		return -FI_ENOCQ;
	int ret = cq->reserve();
	if (ret)
		return ret;
	ret = post(cq);
	if (ret)
		cq->unreserve();
	return ret ? ret : -FI_EAGAIN;
}

/*
 * The key of an empty write is not looked at, and it consumes no receive of the
 * peer (InfiniBand Architecture Specification, volume 1, chapter 9).
 */
int MarkerGate::post(CompletionQueue *cq) noexcept
{
	fi_rma_iov target{};
	iovec nothing{};
	fi_msg_rma msg{};
	msg.msg_iov = &nothing;
	msg.iov_count = 1;
	msg.rma_iov = &target;
	msg.rma_iov_count = 1;
	msg.context = marker_.get();
	/* Before the marker: what is posted meanwhile needs another one. */
	posted_ = false;
	marker_->posting(cq);
	cq->expect(marker_.get());
	/* By inject, as there is no buffer that a descriptor could describe. */
	auto ret = static_cast<int>(fi_writemsg(endpoint_->inner(), &msg,
						FI_INJECT | FI_COMPLETION));
	if (ret) {
		cq->forget(marker_.get());
		marker_->not_posted();
		posted_ = true;
	}
	return ret;
}

void MarkerGate::close()
{
	std::lock_guard<std::mutex> guard(lock_);
	if (!marker_ || !marker_->outstanding())
		return;
	auto cq = marker_->queue();
	cq->adopt(std::move(marker_));
}

} // namespace ofi_pmem
