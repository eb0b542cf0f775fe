/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/link.hh"

#include <cerrno>

#include <sys/mman.h>

#include "core/log.hh"

namespace ofi_pmem
{

BufferArena::~BufferArena()
{
	mr_.reset();
	if (base_)
		munmap(base_, len_);
}

int BufferArena::open(const HiddenDomain &domain, uint16_t count,
		      uint64_t access)
{
	len_ = size_t{count} * wire::kMaxMessage;
	void *base = mmap(nullptr, len_, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	base_ = static_cast<uint8_t *>(base);
	count_ = count;
	if (!domain.needs_local_mr())
		return 0;
	int ret = domain.register_memory(base_, len_, access, &mr_);
	if (!ret)
		desc_ = fi_mr_desc(mr_.get());
	return ret;
}

int Link::open(const HiddenDomain &domain, fi_info *info, const Queues &queues,
	       uint32_t id, uint16_t receives, uint16_t sends)
{
	id_ = id;
	int ret = receive_buffers_.open(domain, receives, FI_RECV);
	if (ret)
		return ret;
	ret = send_buffers_.open(domain, sends, FI_SEND);
	if (ret)
		return ret;
	free_sends_.reserve(sends);
	for (uint16_t slot = 0; slot < sends; slot++)
		free_sends_.push_back(slot);

	fid_ep *ep = nullptr;
	ret = fi_endpoint(domain.domain(), info, &ep, nullptr);
	if (ret)
		return ret;
	ep_.reset(ep);
	ret = fi_ep_bind(ep, &queues.eq->fid, 0);
	if (ret)
		return ret;
	ret = fi_ep_bind(ep, &queues.cq->fid, FI_TRANSMIT | FI_RECV);
	if (ret)
		return ret;
	ret = fi_enable(ep);
	if (ret)
		return ret;
	for (uint16_t slot = 0; slot < receives; slot++) {
		ret = post_receive(slot);
		if (ret)
			return ret;
	}
	return 0;
}

int Link::post_receive(uint16_t slot) noexcept
{
	Handle handle{id_, Handle::receive, slot};
	return static_cast<int>(fi_recv(
		ep(), receive_buffers_.at(slot), wire::kMaxMessage,
		receive_buffers_.desc(), FI_ADDR_UNSPEC, handle.to_context()));
}

uint8_t *Link::begin() noexcept
{
	begun_ = free_sends_.back();
	return send_buffers_.at(begun_);
}

int Link::send(size_t len) noexcept
{
	free_sends_.pop_back();
	if (!waiting_.empty()) {
		waiting_.push_back({begun_, len});
		return 0;
	}
	int ret = post_send(begun_, len);
	if (ret != -FI_EAGAIN)
		return ret;
	waiting_.push_back({begun_, len});
	return 0;
}

int Link::send_waiting() noexcept
{
	while (!waiting_.empty()) {
		int ret =
			post_send(waiting_.front().slot, waiting_.front().len);
		if (ret == -FI_EAGAIN)
			return 0;
		if (ret)
			return ret;
		waiting_.pop_front();
	}
	return 0;
}

int Link::post_send(uint16_t slot, size_t len) noexcept
{
	Handle handle{id_, Handle::send, slot};
	return static_cast<int>(fi_send(ep(), send_buffers_.at(slot), len,
					send_buffers_.desc(), FI_ADDR_UNSPEC,
					handle.to_context()));
}

} // namespace ofi_pmem
