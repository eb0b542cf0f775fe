/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Limits how often all peers together may name a region that does not exist: a
 * burst, as when a region is closed under many requests, and then kPerSecond. A
 * peer that exceeds this loses its connection, so that keys cannot be tried
 * faster than connections are made. Any thread may call it.
 */
#pragma once

#include "core/lock.hh"

#include <algorithm>
#include <chrono>

namespace ofi_pmem
{

class GuessLimit
{
public:
	using Time = std::chrono::steady_clock::time_point;

	static constexpr int kBurst = 1024;
	static constexpr int kPerSecond = 64;

	/* Returns true if one more is within the limit. */
	[[nodiscard]] bool take(Time now) noexcept
	{
		MutexLock guard(mutex_);
		now = std::max(now, last_); /* threads may come out of order */
		std::chrono::duration<double> passed = now - last_;
		last_ = now;
		left_ = std::min<double>(kBurst,
					 left_ + passed.count() * kPerSecond);
		if (left_ < 1)
			return false;
		left_ -= 1;
		return true;
	}

private:
	Mutex mutex_{lock_rank::kGuesses};
	double left_ PMEM_GUARDED_BY(mutex_) = kBurst;
	Time last_ PMEM_GUARDED_BY(mutex_){};
};

} // namespace ofi_pmem
