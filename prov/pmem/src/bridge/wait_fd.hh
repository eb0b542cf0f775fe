/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The wait object of a queue or counter on a persistent domain: one epoll
 * descriptor that is readable if the inner object's own, the progress source's,
 * or our eventfd is.
 */
#pragma once

#include "core/progress.hh"

#include <rdma/fabric.h>

#include <atomic>
#include <chrono>

namespace ofi_pmem
{

/*
 * Any thread may call wake(), only the threads that read or wait for the object
 * the rest. Before blocking, call drain(), check whether the object itself has
 * something, call arm(), and only then block. The first wake() after drain()
 * makes the descriptor readable again; the others need not.
 */
class WaitFd
{
public:
	WaitFd() noexcept = default;
	WaitFd(const WaitFd &) = delete;
	WaitFd &operator=(const WaitFd &) = delete;
	~WaitFd();

	/* `inner` must have a wait object of type FI_WAIT_FD. */
	[[nodiscard]] int open(fid_t inner) noexcept;

	bool is_open() const noexcept { return epoll_ >= 0; }

	/* The application polls this descriptor. */
	int fd() const noexcept { return epoll_; }

	void wake() noexcept;
	void drain() noexcept;

	/* Returns 0 if the caller may block, -FI_EAGAIN if there is work.
	 * `source` may be null. */
	[[nodiscard]] int arm(ProgressSource *source, fid_fabric *inner_fabric,
			      fid_t inner) noexcept;

	/* Waits at most `timeout_ms` (-1: forever); -FI_EINTR on a signal. */
	[[nodiscard]] int block(int timeout_ms) noexcept;

private:
	int watch(int fd) noexcept;

	int epoll_ = -1;
	int event_ = -1;
	std::atomic<bool> drained_{true};
	/* The descriptor of this source is being watched. */
	std::atomic<ProgressSource *> watched_{nullptr};
};

/* Knows how much is left of a timeout that began when it was constructed. */
class Deadline
{
public:
	/* A negative timeout never ends. */
	explicit Deadline(int timeout_ms) noexcept;

	/* Returns -1 if it never ends, and 0 if it is over. */
	int left_ms() const noexcept;

private:
	bool forever_;
	std::chrono::steady_clock::time_point end_;
};

} // namespace ofi_pmem
