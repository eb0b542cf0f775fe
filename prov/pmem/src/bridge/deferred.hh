/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "core/lock.hh"
#include "core/progress.hh"

#include <algorithm>
#include <atomic>
#include <vector>

namespace ofi_pmem
{

/* The sources of work for the readers of one queue or counter. Any thread may
 * call it, except for run(). */
class DeferredList
{
public:
	/* Throws std::bad_alloc. */
	void add(DeferredWork *work)
	{
		MutexLock guard(lock_);
		works_.push_back(work);
	}

	void remove(DeferredWork *work) noexcept
	{
		MutexLock guard(lock_);
		works_.erase(std::remove(works_.begin(), works_.end(), work),
			     works_.end());
	}

	/* Says that one of them has work. */
	void announce() noexcept { announced_.store(true); }

	bool announced() const noexcept { return announced_.load(); }

	/* An application thread calls this. */
	void run() noexcept
	{
		if (!announced() || !announced_.exchange(false))
			return;
		MutexLock guard(lock_);
		for (DeferredWork *work : works_)
			work->run_deferred();
	}

private:
	std::atomic<bool> announced_{false};
	Mutex lock_{lock_rank::kDeferredList};
	std::vector<DeferredWork *> works_ PMEM_GUARDED_BY(lock_);
};

} // namespace ofi_pmem
