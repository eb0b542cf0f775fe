/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Repeats pread(2) and pwrite(2) until done, within the file's present size. */
#include "persist/file_bytes.hh"

#include "core/log.hh"

#include <rdma/fi_errno.h>

#include <sys/stat.h>

#include <cerrno>

namespace ofi_pmem
{

int FileBytes::fail(const char *what, int error) noexcept
{
	if (logged_.exchange(error) != error)
		PMEM_WARN(FI_LOG_MR, "cannot %s file %s: %s (%d)", what,
			  path_.c_str(), fi_strerror(error), error);
	return -error;
}

int FileBytes::check_end(uint64_t end) noexcept
{
	struct stat st;
	if (fstat(fd_.get(), &st))
		return fail("query the size of", errno);
	/* A device has no size. */
	if (!S_ISREG(st.st_mode) || end <= static_cast<uint64_t>(st.st_size))
		return 0;
	if (logged_.exchange(FI_EIO) != FI_EIO)
		PMEM_WARN(FI_LOG_MR,
			  "file %s was shrunk under its region: size %llu, "
			  "needed %llu",
			  path_.c_str(),
			  static_cast<unsigned long long>(st.st_size),
			  static_cast<unsigned long long>(end));
	return -FI_EIO;
}

int FileBytes::read(uint64_t offset, void *target, size_t len) noexcept
{
	int ret = check_end(offset + len);
	if (ret)
		return ret;
	char *next = static_cast<char *>(target);
	while (len) {
		ssize_t count =
			pread(fd_.get(), next, len, static_cast<off_t>(offset));
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail("read", count ? errno : FI_EIO);
		next += count;
		offset += static_cast<uint64_t>(count);
		len -= static_cast<size_t>(count);
	}
	return 0;
}

int FileBytes::write(uint64_t offset, const void *source, size_t len) noexcept
{
	int ret = check_end(offset + len);
	if (ret)
		return ret;
	const char *next = static_cast<const char *>(source);
	while (len) {
		ssize_t count = pwrite(fd_.get(), next, len,
				       static_cast<off_t>(offset));
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fail("write", count ? errno : FI_EIO);
		next += count;
		offset += static_cast<uint64_t>(count);
		len -= static_cast<size_t>(count);
	}
	return 0;
}

} // namespace ofi_pmem
