/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/socket_reader.hh"

#include "transport/message_cut.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ofi_pmem
{

int SocketReader::seal(std::unique_ptr<Opener> opener, ReceivePool *pool)
{
	if (len_ > taken_)
		return -EPROTO;
	sealed_ = std::make_unique<SealedInput>(std::move(opener), pool);
	return 0;
}

/* Reads what was sent, whether or not it was sealed. */
ssize_t SocketReader::read(int fd, uint8_t *into, size_t len)
{
	if (sealed_)
		return sealed_->read(fd, into, len);
	ssize_t got = receive_some(fd, into, len);
	if (got > 0)
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
	if (!len_)
		return receive_first(fd, pool);
	make_room(wanted);
	ssize_t got = read(fd, held_.bytes + len_, wanted - len_);
	if (got > 0)
		len_ += static_cast<size_t>(got);
	return got;
}

/* What was sealed stays where it was opened. */
ssize_t SocketReader::receive_first(int fd, ReceivePool *pool)
{
	if (sealed_) {
		ssize_t got = sealed_->fill(fd);
		if (got <= 0)
			return got;
		held_ = sealed_->opened();
		len_ = sealed_->left();
		sealed_->take(len_);
		return got;
	}
	ssize_t got = pool->receive(fd, &read_size_, &held_);
	if (got <= 0)
		return got;
	len_ = static_cast<size_t>(got);
	received_ += len_;
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

ssize_t SocketReader::read_rest(int fd, uint8_t *into, size_t len)
{
	len = std::min(len, rest_);
	if (size_t here = std::min(len, len_ - taken_)) {
		std::memcpy(into, held_.bytes + taken_, here);
		taken_ += here;
		rest_ -= here;
		return static_cast<ssize_t>(here);
	}
	ssize_t got = read(fd, into, len);
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
