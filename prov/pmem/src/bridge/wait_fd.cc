/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/wait_fd.hh"

#include "core/descriptors.hh"
#include "core/epoll.hh"

#include <climits>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace ofi_pmem
{

WaitFd::~WaitFd()
{
	if (event_ >= 0)
		::close(event_);
	if (epoll_ >= 0)
		::close(epoll_);
}

int WaitFd::open(fid_t inner) noexcept
{
	int inner_fd = -1;
	int ret = fi_control(inner, FI_GETWAIT, &inner_fd);
	if (ret)
		return ret;
	event_ = above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	if (event_ < 0)
		return -errno;
	epoll_ = above_standard(epoll_create1(EPOLL_CLOEXEC));
	if (epoll_ < 0)
		return -errno;
	ret = watch(event_);
	return ret ? ret : watch(inner_fd);
}

int WaitFd::watch(int fd) noexcept
{
	int ret = add_to(epoll_, fd, EPOLLIN, 0);
	return ret == -EEXIST ? 0 : ret;
}

void WaitFd::wake() noexcept
{
	/*
	 * Either this sees that drain() was there, or its caller sees what the
	 * object got before this: all accesses are sequentially consistent.
	 */
	if (!drained_.exchange(false))
		return;
	uint64_t one = 1;
	static_cast<void>(!write(event_, &one, sizeof(one)));
}

void WaitFd::drain() noexcept
{
	uint64_t count;
	static_cast<void>(!read(event_, &count, sizeof(count)));
	drained_ = true;
}

int WaitFd::arm(ProgressSource *source, fid_fabric *inner_fabric,
		fid_t inner) noexcept
{
	if (source && source != watched_.load()) {
		int ret = source->wait_fd() < 0 ? 0 : watch(source->wait_fd());
		if (ret)
			return ret;
		watched_.store(source);
	}
	int ret = source ? source->trywait() : 0;
	return ret ? ret : fi_trywait(inner_fabric, &inner, 1);
}

int WaitFd::block(int timeout_ms) noexcept
{
	epoll_event event;
	return epoll_wait(epoll_, &event, 1, timeout_ms) < 0 ? -errno : 0;
}

Deadline::Deadline(int timeout_ms) noexcept
	: forever_(timeout_ms < 0),
	  end_(std::chrono::steady_clock::now() +
	       std::chrono::milliseconds(std::max(timeout_ms, 0)))
{
}

int Deadline::left_ms() const noexcept
{
	if (forever_)
		return -1;
	auto left = std::chrono::ceil<std::chrono::milliseconds>(
		end_ - std::chrono::steady_clock::now());
	return static_cast<int>(
		std::clamp<long long>(left.count(), 0, INT_MAX));
}

} // namespace ofi_pmem
