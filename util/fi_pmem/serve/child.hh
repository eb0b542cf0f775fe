/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A process that this one has forked and waits for, up to a limit. It is killed
 * if nobody has waited for it.
 */
#pragma once

#include <sys/types.h>

#include <string>

namespace fi_pmem
{

class Child
{
public:
	/* `pid` is -1 if the fork failed. */
	explicit Child(pid_t pid);
	~Child();
	Child(Child &&other) noexcept;
	Child &operator=(Child &&) = delete;

	[[nodiscard]] pid_t pid() const { return pid_; }
	/* Becomes readable when the process has ended. */
	[[nodiscard]] int fd() const { return fd_; }

	/*
	 * Returns false if the process has not ended within this many
	 * milliseconds.
	 */
	[[nodiscard]] bool await(int limit_ms);
	/* Returns the status of wait(2); valid once await() was true. */
	[[nodiscard]] int status() const { return status_; }

	/* Says what the threads wait for, according to the kernel. */
	[[nodiscard]] std::string threads() const;

private:
	pid_t pid_;
	int fd_ = -1;
	int status_ = 0;
	bool ended_ = false;
};

/* Returns when the process has stopped; let_run() has it go on. */
void stop_process(pid_t pid);
void let_run(pid_t pid);

/* Returns the seconds of processor time that a process has used. */
[[nodiscard]] double cpu_seconds_of(pid_t pid);

} // namespace fi_pmem
