/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * SIGINT, SIGTERM and SIGHUP as a file descriptor, so that they are handled
 * between operations and never inside one. It is opened before the provider
 * starts threads, which inherit the blocked mask.
 */
#pragma once

#include "client/interrupt.hh"

#include <string>

namespace fi_pmem
{

/* Returns "SIGTERM" and so on. */
[[nodiscard]] std::string signal_name(int signal);

class Signals final : public Interrupt
{
public:
	/* A server goes on when its terminal is gone (SIGHUP). */
	enum class Hangup { ends, ignored };

	explicit Signals(Hangup hangup = Hangup::ends) : hangup_(hangup) {}
	Signals(const Signals &) = delete;
	Signals &operator=(const Signals &) = delete;
	~Signals() override;

	[[nodiscard]] int open(ErrorSink &sink) override;
	[[nodiscard]] int fd() const override { return fd_; }
	[[nodiscard]] int take() override;

private:
	const Hangup hangup_;
	int fd_ = -1;
};

} // namespace fi_pmem
