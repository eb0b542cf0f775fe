/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The drains of a put: each makes durable all that was posted before it, and
 * fails if any of that failed, also of a connection that was lost meanwhile.
 */
#include "transfer.hh"

#include <rdma/fi_errno.h>

#include "exit_codes.hh"

namespace fi_pmem
{

bool Transfer::is_drain_due() const
{
	if (!drains_ || drain_.in_flight || durable_bytes_ == posted_bytes_)
		return false;
	/* The prefix of an earlier put is the first that becomes durable. */
	if (durable_bytes_ < resumed_bytes_ || posted_bytes_ == length_)
		return true;
	if (stopped_)
		return !in_flight_;
	return window_.is_due(posted_bytes_ - durable_bytes_, Clock::now());
}

int Transfer::post_drain(bool *blocked)
{
	if (!is_drain_due())
		return kOk;
	bool resumes = durable_bytes_ < resumed_bytes_;
	uint64_t flags = FI_COMPLETION | (options_.verify ? FI_PMEM_VERIFY : 0);
	ssize_t ret = resumes ? post_flush()
			      : ops_->drain_all(connection_.ep(),
						&drain_.context, flags);
	if (ret == -FI_EAGAIN) {
		*blocked = true;
		return kOk;
	}
	if (ret)
		return operation_failed(nullptr, static_cast<int>(-ret), "");
	drain_.covers = resumes ? resumed_bytes_ : posted_bytes_;
	drain_.posted = Clock::now();
	drain_.in_flight = true;
	return kOk;
}

/*
 * Who wrote these bytes may have been another endpoint, of which a drain knows
 * nothing.
 */
ssize_t Transfer::post_flush()
{
	const Descriptor &region = connection_.region();
	fi_rma_iov range{region.address + options_.offset, resumed_bytes_,
			 region.key};
	fi_pmem_msg_flush message{};
	message.rma_iov = &range;
	message.rma_iov_count = 1;
	message.addr = connection_.address();
	message.context = &drain_.context;
	message.placement = FI_PMEM_PLACE_PERSISTENT;
	message.selectivity = FI_PMEM_SELECT_RANGES;
	return ops_->flushv(connection_.ep(), &message, FI_COMPLETION);
}

void Transfer::take_drain()
{
	drain_.in_flight = false;
	durable_bytes_ = drain_.covers;
	window_.drained(drain_.posted, Clock::now());
}

} // namespace fi_pmem
