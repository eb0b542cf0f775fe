/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/source_file.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace fi_pmem
{

SourceFile::~SourceFile()
{
	if (fd_ >= 0)
		close(fd_);
}

int SourceFile::open(uint64_t offset, std::optional<uint64_t> length)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status {
	};
	if (fd_ < 0 || fstat(fd_, &status))
		return local_error(strerror(errno));
	if (S_ISDIR(status.st_mode))
		return local_error("is a directory");
	if (!S_ISREG(status.st_mode))
		return local_error("is not a regular file");
	if (!status.st_size)
		return local_error("is empty");
	auto size = static_cast<uint64_t>(status.st_size);
	uint64_t least = length.value_or(1);
	if (offset > size || size - offset < least)
		return report_.fail(kLocalFile,
				    "%s: has %" PRIu64 " bytes, not %" PRIu64
				    " behind %" PRIu64,
				    path_.c_str(), size, least, offset);
	offset_ = next_ = offset;
	bytes_ = length.value_or(size - offset);
	return kOk;
}

int SourceFile::read(char *buffer, size_t bytes)
{
	for (size_t have = 0; have < bytes;) {
		ssize_t ret = pread(fd_, buffer + have, bytes - have,
				    static_cast<off_t>(next_));
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return local_error(strerror(errno));
		if (!ret)
			return local_error("shrank while it was "
					   "copied");
		have += static_cast<size_t>(ret);
		next_ += static_cast<size_t>(ret);
	}
	return kOk;
}

int SourceFile::local_error(const char *text)
{
	return report_.fail(kLocalFile, "%s: %s", path_.c_str(), text);
}

} // namespace fi_pmem
