/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/sealed_input.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ofi_pmem
{

/* Receives several records at once if they are there, or else the rest of one,
 * which has `wanted` bytes. */
ssize_t SealedInput::receive(int fd, size_t wanted)
{
	if (!sealed_len_) {
		ssize_t got = pool_->receive(fd, &read_size_, &sealed_);
		if (got > 0)
			sealed_len_ = static_cast<size_t>(got);
		room_ = 0;
		return got;
	}
	if (room_ < wanted) {
		/* The next one begins in the same memory. */
		size_t room = wanted + kRecordHeader;
		std::shared_ptr<uint8_t[]> own = pool_->lend(room);
		std::memcpy(own.get(), sealed_.bytes, sealed_len_);
		sealed_.bytes = own.get();
		sealed_.memory = std::move(own);
		room_ = room;
	}
	ssize_t got = receive_some(fd, sealed_.bytes + sealed_len_,
				   room_ - sealed_len_);
	if (got > 0)
		sealed_len_ += static_cast<size_t>(got);
	return got;
}

ssize_t SealedInput::fill(int fd)
{
	while (!left_) {
		size_t wanted = kRecordHeader;
		if (sealed_len_ >= kRecordHeader) {
			wanted = record_length(sealed_.bytes);
			if (!wanted)
				return -EPROTO;
		}
		if (sealed_len_ < kRecordHeader || sealed_len_ < wanted) {
			ssize_t got = receive(fd, wanted);
			if (got <= 0)
				return got;
			received_ += static_cast<size_t>(got);
			continue;
		}
		ssize_t plain = opener_->unseal(sealed_.bytes);
		if (plain < 0)
			return plain;
		opened_ = {sealed_.memory, sealed_.bytes + kRecordHeader};
		left_ = static_cast<size_t>(plain);
		sealed_.bytes += wanted;
		sealed_len_ -= wanted;
		room_ -= std::min(room_, wanted);
		if (!sealed_len_)
			sealed_ = {};
	}
	return static_cast<ssize_t>(left_);
}

void SealedInput::take(size_t len) noexcept
{
	opened_.bytes += len;
	left_ -= len;
	if (!left_)
		opened_ = {};
}

ssize_t SealedInput::read(int fd, uint8_t *into, size_t len)
{
	ssize_t here = fill(fd);
	if (here <= 0)
		return here;
	len = std::min(len, left_);
	std::memcpy(into, opened_.bytes, len);
	take(len);
	return static_cast<ssize_t>(len);
}

} // namespace ofi_pmem
