/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/watchdog.hh"

#include "core/descriptors.hh"
#include "core/params.hh"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>

namespace ofi_pmem
{

namespace
{

using std::chrono::milliseconds;

constexpr uint32_t kLooks = 4;

/* The timer waits this much longer, so that the coarse clock has ticked by
 * then. */
constexpr milliseconds kCoarse{12};

/* Reads a clock that costs next to nothing. */
milliseconds now() noexcept
{
	timespec time{};
	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return milliseconds(time.tv_sec * 1000 + time.tv_nsec / 1000000);
}

timespec to_timespec(milliseconds time) noexcept
{
	return {time.count() / 1000, time.count() % 1000 * 1000000};
}

} // namespace

Watchdog::~Watchdog()
{
	if (fd_ >= 0)
		::close(fd_);
}

int Watchdog::open() noexcept
{
	uint32_t shortest = params().connect_timeout_ms;
	if (params().operation_timeout_ms)
		shortest = std::min(shortest, params().operation_timeout_ms);
	period_ = milliseconds(std::max(shortest / kLooks, 1u));
	last_ = now();
	fd_ = above_standard(
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
	return fd_ < 0 ? -errno : 0;
}

void Watchdog::set(milliseconds period) noexcept
{
	itimerspec timer{to_timespec(period), to_timespec(period)};
	timerfd_settime(fd_, 0, &timer, nullptr);
}

void Watchdog::arm() noexcept
{
	if (!armed_)
		set(period_ + kCoarse);
	armed_ = true;
}

void Watchdog::disarm() noexcept
{
	if (armed_)
		set({});
	armed_ = false;
}

bool Watchdog::due() noexcept
{
	milliseconds time = now();
	since_ = time - last_;
	if (since_ < period_)
		return false;
	last_ = time;
	/* Re-arm, or the timer fires before due() is next true and a sleeper
	 * spins until then. */
	if (armed_)
		set(period_ + kCoarse);
	return true;
}

} // namespace ofi_pmem
