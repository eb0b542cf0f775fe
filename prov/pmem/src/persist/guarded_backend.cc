/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/guarded_backend.hh"

#include "core/log.hh"
#include "persist/mapping.hh"

#include <rdma/fi_errno.h>

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

namespace ofi_pmem
{

/*
 * EINVAL means that the kernel is older than Linux 5.14, and cannot be asked.
 */
int GuardedBackend::touch(uint64_t offset, size_t len, int advice) noexcept
{
	auto begin = reinterpret_cast<uintptr_t>(base_ + offset);
	uintptr_t page = align_down(begin, page_size());
	if (!madvise(reinterpret_cast<void *>(page), begin + len - page,
		     advice) ||
	    errno == EINVAL)
		return 0;
	if (!logged_.exchange(true))
		PMEM_WARN(FI_LOG_MR,
			  "memory at %p length %zu of a region cannot be "
			  "accessed: %s (%d); was its file shrunk, or is the "
			  "disk full?",
			  static_cast<void *>(base_ + offset), len,
			  fi_strerror(errno), errno);
	return -FI_EIO;
}

/* Writing lines back faults as a load does (Intel SDM, CLWB). */
int GuardedBackend::flush(uint64_t offset, size_t len) noexcept
{
	int ret = touch(offset, len, MADV_POPULATE_READ);
	return ret ? ret : real().flush(offset, len);
}

int GuardedBackend::store(uint64_t offset, const void *source,
			  size_t len) noexcept
{
	int ret = touch(offset, len, MADV_POPULATE_WRITE);
	return ret ? ret : real().store(offset, source, len);
}

int GuardedBackend::store_flush(uint64_t offset, const void *source, size_t len,
				bool *stored) noexcept
{
	*stored = false;
	int ret = touch(offset, len, MADV_POPULATE_WRITE);
	return ret ? ret : real().store_flush(offset, source, len, stored);
}

int GuardedBackend::load(uint64_t offset, void *target, size_t len) noexcept
{
	int ret = touch(offset, len, MADV_POPULATE_READ);
	return ret ? ret : real().load(offset, target, len);
}

int allocate_holes(int fd, uint64_t offset, size_t len) noexcept
{
	int ret;
	do {
		ret = fallocate(fd, FALLOC_FL_KEEP_SIZE,
				static_cast<off_t>(offset),
				static_cast<off_t>(len));
	} while (ret && errno == EINTR);
	return !ret || errno == EOPNOTSUPP ? 0 : -errno;
}

} // namespace ofi_pmem
