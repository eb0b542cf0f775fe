/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Page granularity by pwrite, pread, sync_file_range and fdatasync. */
#include "persist/page_backend.hh"

#include "persist/read_back.hh"

#include <rdma/fi_errno.h>

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

PageBackend::PageBackend(FileMapping file, Sync fdatasync_fn,
			 StartSync sync_file_range_fn)
	: bytes_(std::move(file.fd), std::move(file.segment.path)),
	  file_offset_(file.offset), writable_(file.protection & PROT_WRITE),
	  start_sync_(sync_file_range_fn ? sync_file_range_fn : sync_file_range)
{
	if (fdatasync_fn)
		bytes_.shared().sync_by(fdatasync_fn);
}

int PageBackend::open(const void *memory) noexcept
{
	int failure = bytes_.shared().failure();
	if (failure || !bytes_.shared().suspect())
		return failure;
	suspect_ = static_cast<const char *>(memory);
	/* Nothing is stored to a read-only region; flushing it fails. */
	return writable_ ? write_again(suspect_, 1) : 0;
}

/* The bytes become durable in drain(); this only notes which. */
int PageBackend::flush(uint64_t offset, size_t len) noexcept
{
	uint64_t end = file_offset_ + offset + len;
	int ret = bytes_.check_end(end);
	if (!ret && suspect_)
		ret = write_again(suspect_ + offset, len);
	if (ret)
		return ret;
	MutexLock guard(mutex_);
	dirty_ = true;
	flushed_end_ = std::max(flushed_end_, end);
	return 0;
}

/* Who has nothing new to drain waits for what others began. */
int PageBackend::begin_drain(size_t commits, PendingDrain *pending) noexcept
{
	MutexLock guard(mutex_);
	if (drain_error_)
		return drain_error_;
	if (dirty_) {
		ticket_ = bytes_.shared().ask(commits);
		dirty_ = false;
		behind_ = {};
	}
	if (bytes_.shared().ended(ticket_))
		return outcome(ticket_);
	*pending = {bytes_.file(), ticket_};
	return 0;
}

int PageBackend::end_drain(uint64_t ticket) noexcept
{
	MutexLock guard(mutex_);
	return outcome(ticket);
}

/* A sync also succeeds when flushed bytes were truncated away. */
int PageBackend::outcome(uint64_t ticket) noexcept
{
	if (!drain_error_)
		drain_error_ = failure();
	if (!drain_error_)
		drain_error_ = bytes_.check_end(flushed_end_);
	if (ticket == ticket_ && !dirty_)
		flushed_end_ = 0;
	return drain_error_;
}

int PageBackend::store(uint64_t offset, const void *source, size_t len) noexcept
{
	int ret = bytes_.write(file_offset_ + offset, source, len);
	if (!ret)
		write_behind(file_offset_ + offset, len);
	return ret;
}

/*
 * If much is written, the disk gets the first part while the rest arrives, so
 * that the drain has less to wait for. This makes nothing durable. But if it
 * fails, the pages may be lost, and a later sync need not report it any more.
 */
void PageBackend::write_behind(uint64_t begin, size_t len) noexcept
{
	MutexLock guard(mutex_);
	dirty_ = true;
	behind_.begin = std::min(behind_.begin, begin);
	behind_.end = std::max(behind_.end, begin + len);
	behind_.bytes += len;
	if (behind_.bytes < kWriteBehind || !start_sync_)
		return;
	int ret = start_sync_(bytes_.fd(), static_cast<off64_t>(behind_.begin),
			      static_cast<off64_t>(behind_.end - behind_.begin),
			      SYNC_FILE_RANGE_WRITE);
	int error = ret ? errno : 0;
	behind_ = {};
	if (error == ENOSYS || error == EINVAL || error == ESPIPE ||
	    error == EOPNOTSUPP) {
		start_sync_ = nullptr;
	} else if (error && !drain_error_) {
		bytes_.shared().fail(error);
		drain_error_ = -error;
	}
}

int PageBackend::store_flush(uint64_t offset, const void *source, size_t len,
			     bool *stored) noexcept
{
	int ret = store(offset, source, len);
	*stored = !ret;
	return ret ? ret : flush(offset, len);
}

/*
 * Reads the page cache. An O_DIRECT read would first write it back, and hide
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
