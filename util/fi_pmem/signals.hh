/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * SIGINT, SIGTERM and SIGHUP as a file descriptor, so that they are handled
 * between operations and never inside one. Opened before the provider starts
 * threads: they inherit the blocked mask.
 */
#pragma once

#include <string>

namespace fi_pmem
{

class Report;

/* SIGTERM and so on. */
[[nodiscard]] std::string signal_name(int signal);

class Signals
{
public:
	Signals() = default;
	Signals(const Signals &) = delete;
	Signals &operator=(const Signals &) = delete;
	~Signals();

	/* A server goes on when its terminal is gone (SIGHUP). */
	enum class Hangup { ends, ignored };
	[[nodiscard]] int open(Report &report, Hangup hangup = Hangup::ends);

	[[nodiscard]] int fd() const { return fd_; }

	/* The number of the next signal that has arrived, 0: none has. */
	[[nodiscard]] int take();

private:
	int fd_ = -1;
};

} // namespace fi_pmem
