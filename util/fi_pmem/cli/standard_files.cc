/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "cli/standard_files.hh"

#include "client/exit_codes.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <initializer_list>

namespace fi_pmem
{

namespace
{

/*
 * If there is no /dev/null, as in a bare chroot, it takes a file that cannot be
 * used at all.
 */
int open_refusing(int number)
{
	int flags = number == STDIN_FILENO ? O_WRONLY : O_RDONLY;
	int fd = open("/dev/null", flags);
	return fd >= 0 ? fd : open("/", O_PATH);
}

bool is_closed(int number)
{
	return fcntl(number, F_GETFD) < 0 && errno == EBADF;
}

bool refuses_output(int number)
{
	int flags = fcntl(number, F_GETFL);
	return flags >= 0 &&
	       ((flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY);
}

} // namespace

void occupy_standard_files()
{
	for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
		/* The lowest number that is free is this one. */
		if (is_closed(number) && open_refusing(number) != number)
			std::_Exit(kFailed);
	}
}

void drop_unread_output()
{
	for (int number : {STDOUT_FILENO, STDERR_FILENO}) {
		if (!refuses_output(number))
			continue;
		int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		dup2(fd, number);
		close(fd);
	}
}

} // namespace fi_pmem
