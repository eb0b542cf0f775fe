/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Bytes of a file, read and written without ever extending it. A mapping whose
 * file has shrunk raises SIGBUS when touched (mmap(2)); through this class the
 * same mishap is an error code. Used by the page-granularity backend and by
 * the simulated power failure.
 *
 * One thread at a time; sizes are checked before each access, so only a file
 * that shrinks between fstat(2) and pwrite(2) can still be extended.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "persist/shared_file.hh"

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
	 * All `len` bytes or an error: -FI_EIO when the file has become
	 * shorter than offset + len, else what pread(2) and pwrite(2) say
	 * (-FI_ENOSPC when the disk is full). Each kind of error is logged
	 * once per object.
	 */
	[[nodiscard]] int read(uint64_t offset, void *target,
			       size_t len) noexcept;
	[[nodiscard]] int write(uint64_t offset, const void *source,
				size_t len) noexcept;

	/* -FI_EIO when the file ends before `end`. */
	[[nodiscard]] int check_end(uint64_t end) noexcept;

	int fd() const noexcept { return fd_.get(); }
	SharedFile &shared() const noexcept { return *fd_.operator->(); }
	const std::string &path() const noexcept { return path_; }

private:
	int fail(const char *what, int error) noexcept;

	SharedFd fd_;
	std::string path_;
	int logged_ = 0;
};

} // namespace ofi_pmem
