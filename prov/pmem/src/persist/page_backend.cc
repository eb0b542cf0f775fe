/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Page granularity: pwrite, pread, fdatasync. */
#include "config.h"

#include "persist/page_backend.hh"

#include <algorithm>

#include <rdma/fi_errno.h>

#include "persist/read_back.hh"

namespace ofi_pmem
{

PageBackend::PageBackend(FileMapping file, Sync fdatasync_fn)
	: bytes_(std::move(file.fd), std::move(file.segment.path)),
	  file_offset_(file.offset),
	  sync_(fdatasync_fn ? fdatasync_fn : fdatasync)
{
}

int PageBackend::open(const void *memory) noexcept
{
	int failure = bytes_.shared().failure();
	if (failure || !bytes_.shared().suspect())
		return failure;
	suspect_ = static_cast<const char *>(memory);
	return write_again(suspect_, 1);
}

/* The bytes become durable in drain(); here it is only said which. */
int PageBackend::flush(uint64_t offset, size_t len) noexcept
{
	uint64_t end = file_offset_ + offset + len;
	int ret = bytes_.check_end(end);
	if (!ret && suspect_)
		ret = write_again(suspect_ + offset, len);
	if (ret)
		return ret;
	dirty_ = true;
	flushed_end_ = std::max(flushed_end_, end);
	return 0;
}

int PageBackend::sync() noexcept
{
	int ret = bytes_.shared().sync(sync_);
	/* A sync also succeeds when flushed bytes were truncated away. */
	return ret ? ret : bytes_.check_end(flushed_end_);
}

int PageBackend::drain() noexcept
{
	if (drain_error_ || !dirty_)
		return drain_error_;
	drain_error_ = sync();
	dirty_ = false;
	flushed_end_ = 0;
	return drain_error_;
}

int PageBackend::store(uint64_t offset, const void *source, size_t len) noexcept
{
	dirty_ = true;
	return bytes_.write(file_offset_ + offset, source, len);
}

int PageBackend::store_flush(uint64_t offset, const void *source, size_t len,
			     bool *stored) noexcept
{
	int ret = store(offset, source, len);
	*stored = !ret;
	return ret ? ret : flush(offset, len);
}

/*
 * Out of the page cache. An O_DIRECT read would first write it back, and hide
 * that a sync is missing.
 */
int PageBackend::read_back(uint64_t offset, size_t len,
			   ReadBackBuffer *into) noexcept
{
	return load(offset, into->data(), len) ? -FI_EIO : 0;
}

int PageBackend::load(uint64_t offset, void *target, size_t len) noexcept
{
	return bytes_.read(file_offset_ + offset, target, len);
}

} // namespace ofi_pmem
