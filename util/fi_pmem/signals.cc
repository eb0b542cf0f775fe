/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Signals by signalfd. A closed pipe and an exceeded file size limit are
 * errors of the call that met them, not the end of the process.
 */
#include "signals.hh"

#include <csignal>
#include <cstring>

#include <sys/signalfd.h>
#include <unistd.h>

#include "exit_codes.hh"
#include "report.hh"

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

int Signals::open(Report &report, Hangup hangup)
{
	std::signal(SIGPIPE, SIG_IGN);
	std::signal(SIGXFSZ, SIG_IGN);
	if (hangup == Hangup::ignored)
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
		return report.fail(kFailed, "signalfd: %s", strerror(errno));
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
