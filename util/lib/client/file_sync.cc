/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Calls fsync for a file and for the directory that names it.
 */
#include "client/file_sync.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace fi_pmem
{

int sync_file_and_name(int fd, const std::string &path)
{
	if (fsync(fd))
		return errno;
	std::string directory = std::filesystem::path(path).parent_path();
	int directory_fd = open(directory.empty() ? "." : directory.c_str(),
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return errno;
	int error = fsync(directory_fd) ? errno : 0;
	close(directory_fd);
	return error;
}

} // namespace fi_pmem
