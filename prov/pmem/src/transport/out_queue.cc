/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/out_queue.hh"

#include <algorithm>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/* An idle queue keeps at most this much, in bytes. */
constexpr size_t kKept = 4096;
constexpr size_t kMostSpare = 1 << 20;

} // namespace

uint8_t *OutQueue::room(size_t len)
{
	if (len > own_.capacity - end_)
		grow(end_ - begin_ + len);
	return own_.bytes.get() + end_;
}

/* What was sent leaves room, too. */
void OutQueue::grow(size_t needed)
{
	if (needed <= own_.capacity / 2) {
		std::memmove(own_.bytes.get(), own_.bytes.get() + begin_,
			     end_ - begin_);
		end_ -= begin_;
		begin_ = 0;
		return;
	}
	SpareBuffer larger;
	if (spare_->capacity >= needed)
		std::swap(larger, *spare_);
	if (larger.capacity < needed) {
		larger.capacity = std::max({kKept, needed, 2 * own_.capacity});
		larger.bytes.reset(new uint8_t[larger.capacity]);
	}
	if (end_ > begin_)
		std::memcpy(larger.bytes.get(), own_.bytes.get() + begin_,
			    end_ - begin_);
	own_ = std::move(larger);
	end_ -= begin_;
	begin_ = 0;
}

/* An idle queue keeps little. */
void OutQueue::lend() noexcept
{
	if (own_.capacity <= kKept)
		return;
	if (own_.capacity > spare_->capacity && own_.capacity <= kMostSpare)
		std::swap(own_, *spare_);
	own_ = {};
}

void OutQueue::add(size_t len)
{
	if (first_ == parts_.size() || parts_.back().foreign)
		parts_.push_back({nullptr, 0});
	parts_.back().len += len;
	end_ += len;
	left_ += len;
}

void OutQueue::refer(const iovec &buffer)
{
	if (!buffer.iov_len)
		return;
	parts_.push_back({static_cast<const uint8_t *>(buffer.iov_base),
			  buffer.iov_len});
	left_ += buffer.iov_len;
}

size_t OutQueue::next(iovec *iov, size_t count) const noexcept
{
	const uint8_t *own = own_.bytes.get() + begin_;
	size_t used = 0;
	for (size_t i = first_; i < parts_.size() && used < count; i++) {
		const Part &part = parts_[i];
		const uint8_t *bytes = part.foreign ? part.foreign : own;
		iov[used++] = {const_cast<uint8_t *>(bytes), part.len};
		if (!part.foreign)
			own += part.len;
	}
	return used;
}

void OutQueue::sent(size_t len) noexcept
{
	left_ -= len;
	while (len) {
		Part &part = parts_[first_];
		size_t now = std::min(len, part.len);
		if (part.foreign)
			part.foreign += now;
		else
			begin_ += now;
		part.len -= now;
		len -= now;
		first_ += part.len == 0;
	}
	if (left_) {
		forget_sent();
		return;
	}
	parts_.clear();
	first_ = begin_ = end_ = 0;
	lend();
}

/* A queue may never become empty. */
void OutQueue::forget_sent() noexcept
{
	constexpr size_t kMany = 256;
	if (first_ < kMany)
		return;
	parts_.erase(parts_.begin(),
		     parts_.begin() + static_cast<ptrdiff_t>(first_));
	first_ = 0;
}

} // namespace ofi_pmem
