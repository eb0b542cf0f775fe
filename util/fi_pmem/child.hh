/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A process that this one has forked, and waits for with a limit. One that is
 * not waited for is killed.
 */
#pragma once

#include <string>

#include <sys/types.h>

namespace fi_pmem
{

class Child
{
public:
	/* -1: of a fork that failed. */
	explicit Child(pid_t pid);
	~Child();
	Child(Child &&other) noexcept;
	Child &operator=(Child &&) = delete;

	[[nodiscard]] pid_t pid() const { return pid_; }
	/* Readable once it has ended. */
	[[nodiscard]] int fd() const { return fd_; }

	/* False: it has not ended within so many milliseconds. */
	[[nodiscard]] bool await(int limit_ms);
	/* As of wait(2), once await() was true. */
	[[nodiscard]] int status() const { return status_; }

	/* What its threads wait for, as the kernel tells. */
	[[nodiscard]] std::string threads() const;

private:
	pid_t pid_;
	int fd_ = -1;
	int status_ = 0;
	bool ended_ = false;
};

} // namespace fi_pmem
