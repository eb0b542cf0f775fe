/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/marker_gate.hh"

#include "bridge/plane_host.hh"
#include "bridge/plane_queue.hh"

#include <rdma/fi_rma.h>

namespace ofi_pmem
{

/*
 * The empty write outlives the gate, in the queue that it was posted to, if the
 * endpoint is closed before it completes.
 */
class MarkerGate::Marker final : public InternalOp
{
public:
	/* An error, too, says that what was posted before has ended. */
	void inner_completed(int, int) noexcept override
	{
		/* The gate may be closed once nothing is outstanding. */
		PlaneQueue *cq = cq_;
		outstanding_ = false;
		cq->unreserve();
		cq->wake_reader();
	}

	void posting(PlaneQueue *cq) noexcept
	{
		cq_ = cq;
		outstanding_ = true;
	}

	void not_posted() noexcept { outstanding_ = false; }
	bool outstanding() const noexcept { return outstanding_; }
	PlaneQueue *queue() const noexcept { return cq_; }

private:
	PlaneQueue *cq_ = nullptr;
	std::atomic<bool> outstanding_{false};
};

MarkerGate::MarkerGate(const PlaneHost &host)
	: host_(host), marker_(std::make_unique<Marker>())
{
}

MarkerGate::~MarkerGate() = default;

int MarkerGate::idle() noexcept
{
	MutexLock guard(lock_);
	if (marker_->outstanding())
		return -FI_EAGAIN;
	if (!posted_)
		return 0;
	PlaneQueue *cq = host_.tx_queue;
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
 * Nobody looks at the key of an empty write, and it consumes no receive of the
 * peer (InfiniBand Architecture Specification, volume 1, chapter 9).
 */
int MarkerGate::post(PlaneQueue *cq) noexcept
{
	fi_rma_iov target{};
	iovec nothing{};
	fi_msg_rma msg{};
	msg.msg_iov = &nothing;
	msg.iov_count = 1;
	msg.rma_iov = &target;
	msg.rma_iov_count = 1;
	msg.context = marker_.get();
	/* This comes before the marker: what is posted meanwhile needs another
	 * one. */
	posted_ = false;
	marker_->posting(cq);
	cq->expect(marker_.get());
	/* It is injected, because there is no buffer that a descriptor could
	 * describe. */
	auto ret = static_cast<int>(
		fi_writemsg(host_.inner, &msg, FI_INJECT | FI_COMPLETION));
	if (ret) {
		cq->forget(marker_.get());
		marker_->not_posted();
		posted_ = true;
	}
	return ret;
}

void MarkerGate::close()
{
	MutexLock guard(lock_);
	if (!marker_ || !marker_->outstanding())
		return;
	auto cq = marker_->queue();
	cq->adopt(std::move(marker_));
}

} // namespace ofi_pmem
