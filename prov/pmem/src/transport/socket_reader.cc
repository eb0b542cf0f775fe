/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/socket_reader.hh"

#include "transport/message_cut.hh"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ofi_pmem
{

/* Returns the number of bytes, 0 if there are none, or a negative fi_errno. */
ssize_t SocketReader::receive_some(int fd, uint8_t *into, size_t len) noexcept
{
	ssize_t got;
	do {
		got = recv(fd, into, len, 0);
	} while (got < 0 && errno == EINTR);
	if (!got)
		return -FI_ENOTCONN;
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	received_ += static_cast<size_t>(got);
	return got;
}

ssize_t SocketReader::receive(int fd, const LinkAttr &attr, ReceivePool *pool)
{
	while (true) {
		Cut found = cut(held_.bytes, len_, attr);
		if (found.bad)
			return -EPROTO;
		if (found.whole) {
			taken_ = found.whole;
			rest_ = found.payload;
			if (rest_)
				read_size_ = kFirstRead;
			return static_cast<ssize_t>(taken_);
		}
		ssize_t got = receive_into(fd, pool, found.wanted);
		if (got <= 0)
			return got;
	}
}

ssize_t SocketReader::receive_into(int fd, ReceivePool *pool, size_t wanted)
{
	ssize_t got;
	if (len_) {
		make_room(wanted);
		got = receive_some(fd, held_.bytes + len_, wanted - len_);
		if (got > 0)
			len_ += static_cast<size_t>(got);
		return got;
	}
	got = receive_some(fd, pool->space(), read_size_);
	if (got <= 0)
		return got;
	len_ = static_cast<size_t>(got);
	held_ = pool->keep(len_);
	if (len_ == read_size_)
		read_size_ = std::min(2 * read_size_, ReceivePool::kMost);
	return got;
}

void SocketReader::make_room(size_t wanted)
{
	if (own_room_ >= wanted)
		return;
	std::shared_ptr<uint8_t[]> own(new uint8_t[wanted]);
	std::memcpy(own.get(), held_.bytes, len_);
	held_.bytes = own.get();
	held_.memory = std::move(own);
	own_room_ = wanted;
}

ssize_t SocketReader::read_rest(int fd, uint8_t *into, size_t len) noexcept
{
	len = std::min(len, rest_);
	if (size_t here = std::min(len, rest_here())) {
		std::memcpy(into, held_.bytes + taken_, here);
		taken_ += here;
		rest_ -= here;
		return static_cast<ssize_t>(here);
	}
	ssize_t got = receive_some(fd, into, len);
	if (got > 0)
		rest_ -= static_cast<size_t>(got);
	return got;
}

void SocketReader::give_back() noexcept
{
	held_.bytes += taken_;
	len_ -= taken_;
	taken_ = 0;
	own_room_ = 0;
	if (!len_)
		held_ = {};
}

} // namespace ofi_pmem
