/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* epoll_ctl(2), as whoever waits for several descriptors needs it. */
#pragma once

#include <sys/epoll.h>

#include <cerrno>
#include <cstdint>

namespace ofi_pmem
{

/* Adds `fd`, whose events carry `data`. Returns 0 or a negative fi_errno. */
inline int add_to(int epoll_fd, int fd, uint32_t events, uint64_t data) noexcept
{
	epoll_event event{};
	event.events = events;
	event.data.u64 = data;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

} // namespace ofi_pmem
