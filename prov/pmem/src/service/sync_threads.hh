/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The threads that wait for devices, so that the service does not: one for each
 * device whose syncs were ever asked for, because syncs of one device wait for
 * each other anyway.
 */
#pragma once

#include "core/lock.hh"
#include "persist/device_sync.hh"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <thread>

namespace ofi_pmem
{

class SyncThreads
{
public:
	/* These threads call `wake` when a sync has ended. */
	explicit SyncThreads(std::function<void()> wake)
		: wake_(std::move(wake))
	{
	}
	~SyncThreads();
	SyncThreads(const SyncThreads &) = delete;
	SyncThreads &operator=(const SyncThreads &) = delete;

	/*
	 * Has the drain waited for. If there can be no thread for it, this
	 * waits.
	 */
	void ask(const PendingDrain &drain);

	/* Each returns true once if a sync has ended, or failed, since the last
	 * call. */
	bool take_ended() noexcept { return ended_ && ended_.exchange(false); }
	bool take_failed() noexcept
	{
		return failed_ && failed_.exchange(false);
	}

private:
	struct Worker {
		std::deque<PendingDrain> asked;
		bool idle = false;
		Condition changed;
		std::thread thread;
	};

	void run(Worker *worker);
	void wait_for(const PendingDrain &drain);

	const std::function<void()> wake_;
	std::atomic<bool> ended_{false};
	std::atomic<bool> failed_{false};
	Mutex mutex_{lock_rank::kSyncThreads};
	bool stopping_ PMEM_GUARDED_BY(mutex_) = false;
	/* Their addresses stay. */
	std::map<uint64_t, Worker> workers_ PMEM_GUARDED_BY(mutex_);
};

} // namespace ofi_pmem
