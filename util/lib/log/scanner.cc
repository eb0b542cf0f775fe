/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/scanner.hh"

#include <rdma/fi_errno.h>

#include <algorithm>

namespace ofi_pmem_log
{

namespace
{

constexpr size_t kWindow = 256 << 10;

} // namespace

/* Afterwards the `len` bytes at `position` are in the window. */
int Scanner::load(const Control &control, uint64_t position, size_t len)
{
	if (position >= begin_ && len <= len_ &&
	    position - begin_ <= len_ - len)
		return 0;
	uint64_t capacity = control.superblock.capacity;
	uint64_t rest = control.head + capacity - position;
	size_t wanted = std::min<uint64_t>(std::max(len, kWindow), rest);
	len_ = 0;
	if (wanted > window_.bytes()) {
		int ret = window_.allocate(remote_->path(), wanted);
		if (ret)
			return remote_->fail(ret, "no memory for a record of " +
							  std::to_string(len) +
							  " bytes");
	}
	Span spans[2];
	size_t count = locate(capacity, position, wanted, spans);
	size_t done = 0;
	for (size_t i = 0; i < count; i++) {
		int ret = remote_->read(&window_, done, spans[i]);
		if (ret)
			return ret;
		done += spans[i].len;
	}
	begin_ = position;
	len_ = wanted;
	return 0;
}

int Scanner::fail_damaged(uint64_t position)
{
	return remote_->fail(-FI_EIO, "the record at position " +
					      std::to_string(position) +
					      " is damaged");
}

int Scanner::find(const Control &control, uint64_t position,
		  const RecordHeader **found)
{
	bool durable = position < control.pointer;
	uint64_t limit = durable ? control.pointer
				 : control.head + control.superblock.capacity;
	if (limit - position < sizeof(RecordHeader))
		return 0;
	auto header = [&] {
		return reinterpret_cast<const RecordHeader *>(
			window_.data() + (position - begin_));
	};
	int ret = load(control, position, sizeof(RecordHeader));
	if (ret)
		return ret;
	if (!plausible(*header(), position, limit) ||
	    (!durable && header()->epoch != control.epoch))
		return 0;
	ret = load(control, position, space_of(header()->len));
	if (ret)
		return ret;
	/* Having been read again, it may have become another one. */
	if (!plausible(*header(), position, begin_ + len_) ||
	    !intact(header(), control.superblock.id))
		return 0;
	*found = header();
	return 1;
}

} // namespace ofi_pmem_log
