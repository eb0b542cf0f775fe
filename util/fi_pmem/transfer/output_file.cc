/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes the temporary file and renames it. It writes to standard output in
 * pieces that a pipe takes without blocking, so that a signal still gets
 * through.
 */
#include "transfer/output_file.hh"

#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"
#include "client/file_sync.hh"

#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace fi_pmem
{

OutputFile::~OutputFile()
{
	if (!temporary_.empty())
		unlink(temporary_.c_str());
	if (fd_ >= 0 && !is_stdout())
		close(fd_);
}

int OutputFile::local_error(int error)
{
	return report_.fail(kLocalFile, "%s: %s",
			    is_stdout() ? "standard output" : path_.c_str(),
			    strerror(error));
}

int OutputFile::open()
{
	if (is_stdout()) {
		fd_ = STDOUT_FILENO;
		return kOk;
	}
	/* A link keeps pointing to the file that is replaced. */
	std::error_code failure;
	auto real = std::filesystem::canonical(path_, failure);
	if (!failure)
		path_ = real;
	struct stat status;
	if (!stat(path_.c_str(), &status) && !S_ISREG(status.st_mode))
		return report_.fail(kLocalFile, "%s: is %s", path_.c_str(),
				    S_ISDIR(status.st_mode)
					    ? "a directory"
					    : "not a regular file");
	std::string name = path_ + ".XXXXXX";
	fd_ = mkostemp(name.data(), O_CLOEXEC);
	if (fd_ < 0)
		return local_error(errno);
	temporary_ = name;
	mode_t mask = umask(0);
	umask(mask);
	if (fchmod(fd_, 0666 & ~mask))
		return local_error(errno);
	return kOk;
}

int OutputFile::await_reader()
{
	pollfd fds[] = {{fd_, POLLOUT, 0}, {interrupt_->fd(), POLLIN, 0}};
	while (poll(fds, 2, -1) < 0) {
		if (errno != EINTR)
			return local_error(errno);
	}
	int signal = fds[1].revents ? interrupt_->take() : 0;
	if (signal)
		return report_.fail(kSignalBase + signal, "interrupted by %s",
				    signal_name(signal).c_str());
	return kOk;
}

int OutputFile::drain(const char *buffer, size_t bytes)
{
	while (bytes) {
		size_t piece = bytes;
		if (is_stdout()) {
			int ret = await_reader();
			if (ret)
				return ret;
			piece = std::min<size_t>(bytes, PIPE_BUF);
		}
		ssize_t ret = write(fd_, buffer, piece);
		if (ret < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (ret < 0)
			return local_error(errno);
		buffer += ret;
		bytes -= static_cast<size_t>(ret);
	}
	return kOk;
}

int OutputFile::finish()
{
	if (is_stdout())
		return kOk;
	/*
	 * The data is synced before the name: a crash leaves the old file or
	 * the new one.
	 */
	if (fsync(fd_) || rename(temporary_.c_str(), path_.c_str()))
		return local_error(errno);
	temporary_.clear();
	int error = sync_file_and_name(fd_, path_);
	return error ? local_error(error) : kOk;
}

} // namespace fi_pmem
