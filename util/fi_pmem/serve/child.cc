/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "serve/child.hh"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

namespace fi_pmem
{

/* glibc 2.36 declares pidfd_open() for C only. */
Child::Child(pid_t pid) : pid_(pid), ended_(pid <= 0)
{
	if (!ended_)
		fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

Child::Child(Child &&other) noexcept
	: pid_(other.pid_), fd_(std::exchange(other.fd_, -1)),
	  status_(other.status_), ended_(std::exchange(other.ended_, true))
{
}

Child::~Child()
{
	if (!ended_) {
		kill(pid_, SIGKILL);
		waitpid(pid_, nullptr, 0);
	}
	if (fd_ >= 0)
		close(fd_);
}

bool Child::await(int limit_ms)
{
	if (ended_)
		return true;
	pollfd readable{fd_, POLLIN, 0};
	if (fd_ >= 0 && poll(&readable, 1, limit_ms) != 1)
		return false;
	ended_ = waitpid(pid_, &status_, 0) == pid_;
	return ended_;
}

std::string Child::threads() const
{
	namespace fs = std::filesystem;
	std::string text;
	std::error_code failure;
	fs::path tasks = "/proc/" + std::to_string(pid_) + "/task";
	for (const auto &task : fs::directory_iterator(tasks, failure)) {
		std::string name, waits;
		std::getline(std::ifstream(task.path() / "comm"), name);
		std::getline(std::ifstream(task.path() / "wchan"), waits);
		text += (text.empty() ? "" : ", ") + name + " in " +
			(waits.empty() || waits == "0" ? "user code" : waits);
	}
	return text;
}

void stop_process(pid_t pid)
{
	siginfo_t state;
	if (!kill(pid, SIGSTOP))
		waitid(P_PID, static_cast<id_t>(pid), &state,
		       WSTOPPED | WEXITED | WNOWAIT);
}

void let_run(pid_t pid)
{
	kill(pid, SIGCONT);
}

double cpu_seconds_of(pid_t pid)
{
	clockid_t clock;
	timespec used{};
	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return static_cast<double>(used.tv_sec) +
	       static_cast<double>(used.tv_nsec) / 1e9;
}

} // namespace fi_pmem
