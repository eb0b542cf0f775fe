/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The drains of a put are flushes of what was posted since the last one. They
 * are not fenced commits, each of which would cost the target a sync of its
 * own: what many clients flush at once is synced once. So a byte is durable
 * when both its write and a flush behind it have succeeded. If writes are lost
 * with their channel, the flush fails.
 */
#include "client/exit_codes.hh"
#include "transfer/transfer.hh"

#include <rdma/fi_errno.h>

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

/*
 * The first drain of a resumed put covers what an earlier one wrote, as the
 * target flushes these bytes whoever wrote them.
 */
int Transfer::post_drain(bool *blocked)
{
	if (!is_drain_due())
		return kOk;
	uint64_t end = durable_bytes_ < resumed_bytes_ ? resumed_bytes_
						       : posted_bytes_;
	ssize_t ret = post_flush(durable_bytes_, end);
	if (ret == -FI_EAGAIN) {
		*blocked = true;
		return kOk;
	}
	if (ret)
		return operation_failed(nullptr, static_cast<int>(-ret), "");
	starts_waiting();
	drain_.covers = end;
	drain_.posted = Clock::now();
	drain_.in_flight = true;
	return kOk;
}

ssize_t Transfer::post_flush(uint64_t begin, uint64_t end)
{
	const Descriptor &region = connection_.region();
	fi_rma_iov range{region.address + options_.offset + begin, end - begin,
			 region.key};
	fi_pmem_msg_flush message{};
	message.rma_iov = &range;
	message.rma_iov_count = 1;
	message.addr = connection_.address();
	message.context = &drain_.context;
	message.placement = FI_PMEM_PLACE_PERSISTENT;
	message.selectivity = FI_PMEM_SELECT_RANGES;
	uint64_t flags = FI_COMPLETION | (options_.verify ? FI_PMEM_VERIFY : 0);
	return ops_->flushv(connection_.ep(), &message, flags);
}

void Transfer::take_drain()
{
	drain_.in_flight = false;
	durable_bytes_ = drain_.covers;
	window_.drained(drain_.posted, Clock::now());
}

} // namespace fi_pmem
