/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A file descriptor that is closed with its owner, and has none of the numbers
 * of standard input, output and error.
 */
#pragma once

#include "core/descriptors.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ofi_pmem
{

class OwnedFd
{
public:
	OwnedFd() noexcept = default;
	explicit OwnedFd(int fd) noexcept : fd_(above_standard(fd)) {}
	OwnedFd(OwnedFd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	OwnedFd &operator=(OwnedFd &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	~OwnedFd()
	{
		if (fd_ >= 0)
			close(fd_);
	}

	int get() const noexcept { return fd_; }
	explicit operator bool() const noexcept { return fd_ >= 0; }

private:
	int fd_ = -1;
};

/* Calls open(2), whatever signals come; empty on failure, with errno. */
inline OwnedFd open_fd(const char *path, int flags) noexcept
{
	int fd;
	do {
		fd = open(path, flags | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return OwnedFd(fd);
}

} // namespace ofi_pmem
