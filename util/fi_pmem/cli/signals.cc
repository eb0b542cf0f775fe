/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Signals by signalfd. A closed pipe and an exceeded file size limit are
 * errors of the call that met them, not the end of the process.
 */
#include "cli/signals.hh"

#include "client/error_sink.hh"
#include "client/exit_codes.hh"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace fi_pmem
{

std::string signal_name(int signal)
{
	const char *name = sigabbrev_np(signal);
	return name ? std::string("SIG") + name : std::to_string(signal);
}

Signals::~Signals()
{
	if (fd_ >= 0)
		close(fd_);
}

int Signals::open(ErrorSink &sink)
{
	if (fd_ >= 0)
		return kOk; /* several connections share it */
	std::signal(SIGPIPE, SIG_IGN);
	std::signal(SIGXFSZ, SIG_IGN);
	if (hangup_ == Hangup::ignored)
		std::signal(SIGHUP, SIG_IGN);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	struct sigaction inherited {
	};
	sigaction(SIGHUP, nullptr, &inherited);
	if (inherited.sa_handler != SIG_IGN) /* nohup(1) */
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd_ < 0)
		return sink.fail(kFailed, "signalfd: %s", strerror(errno));
	return kOk;
}

int Signals::take()
{
	signalfd_siginfo info;
	if (read(fd_, &info, sizeof(info)) !=
	    static_cast<ssize_t>(sizeof(info)))
		return 0;
	return static_cast<int>(info.ssi_signo);
}

} // namespace fi_pmem
