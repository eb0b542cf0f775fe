/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/nic_link.hh"

#include <rdma/fi_errno.h>

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace ofi_pmem
{

BufferArena::~BufferArena()
{
	memory_.reset();
	if (base_)
		munmap(base_, len_);
}

int BufferArena::open(const Transport &transport, uint16_t count, size_t bytes,
		      uint64_t access)
{
	len_ = size_t{count} * bytes;
	void *base = mmap(nullptr, len_, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	base_ = static_cast<uint8_t *>(base);
	bytes_ = bytes;
	count_ = count;
	if (!transport.traits().needs_local_memory)
		return 0;
	return transport.register_memory(base_, len_, access, false, &memory_);
}

int NicLink::open_buffers(const Transport &transport)
{
	int ret = receive_buffers_.open(transport, attr().receives,
					attr().message_bytes, FI_RECV);
	if (ret)
		return ret;
	/* A READ may also end in one of these. */
	ret = send_buffers_.open(transport, attr().sends, attr().message_bytes,
				 FI_SEND | FI_READ);
	if (ret)
		return ret;
	free_sends_.reserve(attr().sends);
	for (uint16_t slot = 0; slot < attr().sends; slot++)
		free_sends_.push_back(slot);
	return 0;
}

int NicLink::post_receives() noexcept
{
	for (uint16_t slot = 0; slot < attr().receives; slot++) {
		int ret = post_receive(slot);
		if (ret)
			return ret;
	}
	return 0;
}

uint8_t *NicLink::begin(size_t len) noexcept
{
	if (filled_ && len > send_buffers_.bytes() - filled_)
		failed_ = post_filled();
	if (!filled_)
		begun_ = free_sends_.back();
	begun_len_ = len;
	return send_buffers_.at(begun_) + filled_;
}

int NicLink::send() noexcept
{
	if (failed_)
		return failed_;
	if (!filled_)
		free_sends_.pop_back();
	filled_ += begun_len_;
	return holding_ ? 0 : post_filled();
}

int NicLink::post_filled() noexcept
{
	size_t len = std::exchange(filled_, 0);
	if (waiting_.empty()) {
		int ret = post_send(begun_, len);
		if (ret != -FI_EAGAIN)
			return ret;
	}
	waiting_.push_back({begun_, len});
	return 0;
}

int NicLink::release() noexcept
{
	holding_ = false;
	return filled_ ? post_filled() : 0;
}

int NicLink::send_waiting() noexcept
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
	return release();
}

uint16_t NicLink::borrow() noexcept
{
	uint16_t slot = free_sends_.back();
	free_sends_.pop_back();
	return slot;
}

void NicLink::sent(uint16_t slot) noexcept
{
	send_done();
	free_sends_.push_back(slot);
}

} // namespace ofi_pmem
