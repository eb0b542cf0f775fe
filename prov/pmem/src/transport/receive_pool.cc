/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/receive_pool.hh"

#include <rdma/fi_errno.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

ssize_t receive_some(int fd, uint8_t *into, size_t len) noexcept
{
	ssize_t got;
	do {
		got = recv(fd, into, len, 0);
	} while (got < 0 && errno == EINTR);
	if (!got)
		return -FI_ENOTCONN;
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	return got;
}

ssize_t ReceivePool::receive(int fd, size_t *most, Piece *piece)
{
	ssize_t got = receive_some(fd, space(), *most);
	if (got <= 0)
		return got;
	auto len = static_cast<size_t>(got);
	*piece = keep(len);
	if (len == *most)
		*most = std::min(2 * *most, kMost);
	return got;
}

} // namespace ofi_pmem
