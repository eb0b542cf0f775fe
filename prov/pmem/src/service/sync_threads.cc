/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/sync_threads.hh"

#include "core/log.hh"
#include "core/thread.hh"

#include <algorithm>
#include <system_error>
#include <vector>

namespace ofi_pmem
{

SyncThreads::~SyncThreads()
{
	std::vector<std::thread> threads;
	{
		MutexLock guard(mutex_);
		stopping_ = true;
		for (auto &[device, worker] : workers_) {
			threads.push_back(std::move(worker.thread));
			worker.changed.notify_all();
		}
	}
	for (std::thread &thread : threads) {
		if (thread.joinable())
			thread.join();
	}
}

void SyncThreads::ask(const PendingDrain &drain)
{
	try {
		MutexLock guard(mutex_);
		Worker &worker = workers_[drain.sync->device()];
		if (!worker.thread.joinable())
			worker.thread = thread_without_signals(
				[this, &worker] { run(&worker); });
		auto same =
			std::find_if(worker.asked.begin(), worker.asked.end(),
				     [&](const PendingDrain &one) {
					     return one.sync == drain.sync;
				     });
		if (same != worker.asked.end())
			/* Of regions of one file, one may wait for less. */
			same->ticket = std::max(same->ticket, drain.ticket);
		else
			worker.asked.push_back(drain);
		if (worker.idle)
			worker.changed.notify_all();
	} catch (const std::system_error &error) {
		PMEM_WARN(FI_LOG_DOMAIN,
			  "no thread can be started to sync a file, so the "
			  "service waits for it: %s",
			  error.what());
		wait_for(drain);
	}
}

void SyncThreads::run(Worker *worker)
{
	MutexLock guard(mutex_);
	while (!stopping_) {
		if (worker->asked.empty()) {
			worker->idle = true;
			worker->changed.wait(mutex_);
			worker->idle = false;
			continue;
		}
		PendingDrain drain = std::move(worker->asked.front());
		worker->asked.pop_front();
		mutex_.unlock();
		wait_for(drain);
		drain = {};
		mutex_.lock();
	}
}

/* Who asked looks for the outcome itself. */
void SyncThreads::wait_for(const PendingDrain &drain)
{
	if (drain.wait())
		failed_ = true;
	ended_ = true;
	wake_();
}

} // namespace ofi_pmem
