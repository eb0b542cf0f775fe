/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reads and writes bytes of a file without ever extending it. A mapping whose
 * file has shrunk raises SIGBUS when touched (mmap(2)); with this class the
 * same is an error code. The page-granularity backend and the simulated power
 * failure use it.
 *
 * Any thread may call it. Sizes are checked before each access, so only a file
 * that shrinks between fstat(2) and pwrite(2) can still be extended.
 */
#pragma once

#include "persist/shared_file.hh"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace ofi_pmem
{

class FileBytes
{
public:
	FileBytes(SharedFd fd, std::string path) noexcept
		: fd_(std::move(fd)), path_(std::move(path))
	{
	}

	/*
	 * Transfers all `len` bytes or returns an error: -FI_EIO if the file
	 * has become shorter than offset + len, else that of pread(2) and
	 * pwrite(2) (-FI_ENOSPC if the disk is full). Each kind of error is
	 * logged once per object.
	 */
	[[nodiscard]] int read(uint64_t offset, void *target,
			       size_t len) noexcept;
	[[nodiscard]] int write(uint64_t offset, const void *source,
				size_t len) noexcept;

	/* Returns -FI_EIO if the file ends before `end`. */
	[[nodiscard]] int check_end(uint64_t end) noexcept;

	int fd() const noexcept { return fd_.get(); }
	SharedFile &shared() const noexcept { return *fd_.operator->(); }
	const SharedFile::Ptr &file() const noexcept { return fd_.file(); }
	const std::string &path() const noexcept { return path_; }

private:
	int fail(const char *what, int error) noexcept;

	SharedFd fd_;
	std::string path_;
	std::atomic<int> logged_{0};
};

} // namespace ofi_pmem
