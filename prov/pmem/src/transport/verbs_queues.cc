/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/verbs_queues.hh"

#include "core/descriptors.hh"
#include "core/log.hh"

#include <rdma/fi_errno.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

namespace
{

constexpr size_t kWorkBatch = 32;

int set_nonblocking(int fd) noexcept
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int to_errno(ibv_wc_status status) noexcept
{
	switch (status) {
	case IBV_WC_SUCCESS:
		return 0;
	case IBV_WC_WR_FLUSH_ERR:
		return FI_ECANCELED; /* an operation before it failed */
	case IBV_WC_RETRY_EXC_ERR:
	case IBV_WC_RNR_RETRY_EXC_ERR:
		return FI_ETIMEDOUT;
	case IBV_WC_REM_ACCESS_ERR:
		return FI_EACCES;
	default:
		return FI_EIO;
	}
}

/* After the first failure everything else is flushed, which says nothing. */
void log_failure(const ibv_wc &wc) noexcept
{
	if (wc.status != IBV_WC_SUCCESS && wc.status != IBV_WC_WR_FLUSH_ERR)
		PMEM_WARN(FI_LOG_EP_DATA, "queue pair %u: %s (%d)", wc.qp_num,
			  ibv_wc_status_str(wc.status), wc.status);
}

Completion to_completion(const ibv_wc &wc) noexcept
{
	log_failure(wc);
	return {Handle::from_number(wc.wr_id), wc.byte_len,
		to_errno(wc.status)};
}

} // namespace

int VerbsQueues::open(ibv_context *device, int completions)
{
	events_.reset(rdma_create_event_channel());
	if (!events_)
		return -errno;
	events_->fd = above_standard(events_->fd);
	completion_channel_.reset(ibv_create_comp_channel(device));
	if (!completion_channel_)
		return -errno;
	completion_channel_->fd = above_standard(completion_channel_->fd);
	cq_.reset(ibv_create_cq(device, completions, nullptr,
				completion_channel_.get(), 0));
	if (!cq_)
		return -errno;
	int ret = set_nonblocking(events_->fd);
	return ret ? ret : set_nonblocking(completion_channel_->fd);
}

size_t VerbsQueues::read_completions(Completion *completions,
				     size_t count) noexcept
{
	if (has_found_) {
		has_found_ = false;
		*completions = found_;
		return 1;
	}
	ibv_wc wc[kWorkBatch];
	int got = ibv_poll_cq(
		cq(), static_cast<int>(std::min(count, kWorkBatch)), wc);
	for (int i = 0; i < got; i++)
		completions[i] = to_completion(wc[i]);
	return got > 0 ? static_cast<size_t>(got) : 0;
}

bool VerbsQueues::read_event(LinkEvent *told)
{
	rdma_cm_event *event = nullptr;
	while (!rdma_get_cm_event(events(), &event)) {
		auto handler =
			static_cast<VerbsEventHandler *>(event->id->context);
		VerbsEventHandler::Event copy{
			event->event, event->status, event->id,
			event->param.conn.responder_resources,
			event->param.conn.initiator_depth};
		/*
		 * This comes first: the handler may destroy the identifier,
		 * which waits for the acknowledgement of its events.
		 */
		rdma_ack_cm_event(event);
		if (handler && handler->on_event(copy, told))
			return true;
	}
	return false;
}

/* Also removes them from the file descriptor. */
void VerbsQueues::take_notifications() noexcept
{
	ibv_cq *cq = nullptr;
	void *context = nullptr;
	unsigned count = 0;
	while (!ibv_get_cq_event(completion_channel_.get(), &cq, &context))
		count++;
	if (count)
		ibv_ack_cq_events(cq_.get(), count);
}

int VerbsQueues::trywait() noexcept
{
	if (has_found_)
		return -FI_EAGAIN;
	take_notifications();
	int ret = ibv_req_notify_cq(cq(), 0);
	if (ret)
		return -ret;
	/* A completion that came before it was armed notifies nobody. */
	ibv_wc wc;
	if (ibv_poll_cq(cq(), 1, &wc) <= 0)
		return 0;
	found_ = to_completion(wc);
	has_found_ = true;
	return -FI_EAGAIN;
}

} // namespace ofi_pmem
