/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/source_pipe.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace fi_pmem
{

int SourcePipe::wait_fd() const
{
	return STDIN_FILENO;
}

/* Reads what is there without waiting, which may be 0 bytes. */
int SourcePipe::read(char *buffer, size_t bytes, size_t *got)
{
	pollfd input{STDIN_FILENO, POLLIN, 0};
	*got = 0;
	if (!bytes || poll(&input, 1, 0) <= 0)
		return kOk;
	ssize_t ret = ::read(STDIN_FILENO, buffer, bytes);
	if (ret < 0 && errno != EINTR && errno != EAGAIN)
		return report_.fail(kLocalFile, "standard input: %s",
				    strerror(errno));
	ended_ = !ret;
	*got = ret > 0 ? static_cast<size_t>(ret) : 0;
	return kOk;
}

int SourcePipe::skip(bool *done)
{
	char skipped[4096];
	size_t got = 1;
	while (to_skip_ && got) {
		int ret = read(skipped,
			       std::min<uint64_t>(sizeof(skipped), to_skip_),
			       &got);
		if (ret)
			return ret;
		to_skip_ -= got;
	}
	*done = !to_skip_;
	return kOk;
}

int SourcePipe::fill(char *buffer, size_t bytes, size_t *filled)
{
	bool skipped = false;
	int ret = skip(&skipped);
	*filled = 0;
	size_t got = 1;
	while (!ret && skipped && !ended_ && *filled < bytes && got) {
		ret = read(buffer + *filled, bytes - *filled, &got);
		*filled += got;
		position_ += got;
	}
	return ret ? ret : check_end();
}

int SourcePipe::check_end()
{
	if (!length_ && position_ > room_)
		return report_.fail(kNoRoom,
				    "region holds %" PRIu64 " bytes from the "
				    "offset on, standard input has more",
				    room_);
	if (ended_ && length_ && position_ < *length_)
		return report_.fail(kLocalFile,
				    "standard input ended after %" PRIu64
				    " of %" PRIu64 " bytes",
				    position_, *length_);
	if (ended_ && !position_)
		return report_.fail(kLocalFile, "standard input is empty");
	return kOk;
}

} // namespace fi_pmem
