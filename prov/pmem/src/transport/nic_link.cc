/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/nic_link.hh"

#include <rdma/fi_errno.h>

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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
	size_t bytes = sealed_length(attr().message_bytes);
	int ret = receive_buffers_.open(transport, attr().receives, bytes,
					FI_RECV);
	if (ret)
		return ret;
	/* A READ may also end in one of these. */
	ret = send_buffers_.open(transport, attr().sends, bytes,
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

int NicLink::seal(std::unique_ptr<Sealer> out, std::unique_ptr<Opener> in)
{
	plain_.reset(new uint8_t[attr().message_bytes]);
	sealer_ = std::move(out);
	opener_ = std::move(in);
	return 0;
}

uint8_t *NicLink::begin(size_t len) noexcept
{
	if (filled_ && len > attr().message_bytes - filled_)
		failed_ = post_filled();
	if (!filled_)
		begun_ = free_sends_.back();
	begun_len_ = len;
	return room() + filled_;
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

/* Gets the length of what is in the buffer afterwards. */
int NicLink::seal_filled(size_t *len) noexcept
{
	uint8_t *out = send_buffers_.at(begun_);
	size_t sealed = 0;
	for (size_t done = 0; done < *len;) {
		size_t now = std::min(*len - done, kMaxPlain);
		iovec plain{plain_.get() + done, now};
		int ret = sealer_->seal(&plain, 1, now, out + sealed);
		if (ret)
			return ret;
		done += now;
		sealed += now + kRecordOverhead;
	}
	*len = sealed;
	return 0;
}

/* Opens each record in the buffer, and moves what is in it behind the other. */
ssize_t NicLink::open_received(uint16_t slot, size_t len) noexcept
{
	if (!opener_)
		return static_cast<ssize_t>(len);
	uint8_t *bytes = receive_buffers_.at(slot);
	size_t plain = 0;
	for (size_t done = 0; done < len;) {
		uint8_t *record = bytes + done;
		size_t whole =
			len - done < kRecordHeader ? 0 : record_length(record);
		if (!whole || whole > len - done)
			return -EPROTO;
		ssize_t got = opener_->unseal(record);
		if (got < 0)
			return got;
		if (done)
			std::memmove(bytes + kRecordHeader + plain,
				     record + kRecordHeader,
				     static_cast<size_t>(got));
		plain += static_cast<size_t>(got);
		done += whole;
	}
	return static_cast<ssize_t>(plain);
}

int NicLink::post_filled() noexcept
{
	size_t len = std::exchange(filled_, 0);
	int sealed = sealer_ ? seal_filled(&len) : 0;
	if (sealed)
		return sealed;
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
