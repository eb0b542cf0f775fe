/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Says when an initiator must check whether what it waits for still comes: a
 * few times within the shorter of FI_OFI_PMEM_OPERATION_TIMEOUT_MS and
 * FI_OFI_PMEM_CONNECT_TIMEOUT_MS. A polling thread asks due(), which costs no
 * system call; a file descriptor wakes a sleeping thread.
 */
#pragma once

#include <chrono>

namespace ofi_pmem
{

class Watchdog
{
public:
	Watchdog() = default;
	~Watchdog();
	Watchdog(const Watchdog &) = delete;
	Watchdog &operator=(const Watchdog &) = delete;

	/* Returns 0 or a negative fi_errno. */
	[[nodiscard]] int open() noexcept;

	/* The descriptor becomes readable while armed; due() makes it
	 * unreadable. */
	int fd() const noexcept { return fd_; }

	/* Call arm() before a sleep; it fires each period until disarm(). */
	void arm() noexcept;
	void disarm() noexcept;

	/* Returns true once per period; since() is then the time since the
	 * previous true. */
	[[nodiscard]] bool due() noexcept;
	std::chrono::milliseconds since() const noexcept { return since_; }

private:
	void set(std::chrono::milliseconds period) noexcept;

	std::chrono::milliseconds period_{};
	std::chrono::milliseconds last_{};
	std::chrono::milliseconds since_{};
	int fd_ = -1;
	bool armed_ = false;
};

} // namespace ofi_pmem
