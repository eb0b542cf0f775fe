/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/record_source.hh"

#include "client/exit_codes.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr size_t kChunk = 64 << 10;

} // namespace

RecordSource::~RecordSource()
{
	if (fd_ > STDIN_FILENO)
		close(fd_);
}

int RecordSource::open(const std::string &path)
{
	bool standard = path == "-";
	path_ = standard ? "standard input" : path;
	fd_ = standard ? STDIN_FILENO
		       : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
	struct stat status;
	int error = fd_ < 0 || fstat(fd_, &status) ? errno : 0;
	/* A directory opens, but cannot be read. */
	if (!error && S_ISDIR(status.st_mode))
		error = EISDIR;
	if (error)
		return report_.fail(kLocalFile, "%s: %s", path_.c_str(),
				    strerror(error));
	return kOk;
}

/* The last piece without an end is a record once the input has ended. */
bool RecordSource::cut(std::string_view *record)
{
	std::string_view rest = std::string_view(buffer_).substr(begin_);
	size_t len = std::min(piece_ ? piece_ : rest.find('\n'), rest.size());
	bool whole = piece_ ? len == piece_ : len < rest.size();
	if (!whole && (!ended_ || rest.empty()))
		return false;
	*record = rest.substr(0, len);
	begin_ += len + (whole && !piece_);
	return true;
}

RecordSource::Next RecordSource::fail(const char *text)
{
	exit_code_ = report_.fail(kLocalFile, "%s: %s", path_.c_str(), text);
	return Next::failed;
}

RecordSource::Next RecordSource::next(std::string_view *record)
{
	for (;;) {
		if (cut(record))
			return Next::record;
		if (ended_)
			return Next::end;
		buffer_.erase(0, begin_);
		begin_ = 0;
		if (!piece_ && buffer_.size() > longest_)
			return fail("a line is longer than --max-record");
		pollfd input{fd_, POLLIN, 0};
		if (!poll(&input, 1, 0))
			return Next::wait;
		size_t have = buffer_.size();
		buffer_.resize(have + kChunk);
		ssize_t ret = read(fd_, buffer_.data() + have, kChunk);
		buffer_.resize(have + (ret > 0 ? static_cast<size_t>(ret) : 0));
		if (ret < 0 && errno != EINTR && errno != EAGAIN)
			return fail(strerror(errno));
		ended_ = !ret;
	}
}

void RecordSource::wait(int signal_fd) const
{
	pollfd fds[] = {{fd_, POLLIN, 0}, {signal_fd, POLLIN, 0}};
	poll(fds, 2, -1);
}

} // namespace fi_pmem
