/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/device_sync.hh"

namespace ofi_pmem
{

uint64_t DeviceSync::ask(size_t commits) noexcept
{
	MutexLock guard(mutex_);
	if (gathering_)
		changed_.notify_all();
	return asked_ += commits;
}

int DeviceSync::sync(uint64_t ticket) noexcept
{
	MutexLock guard(mutex_);
	while (!ended(ticket)) {
		if (syncing_)
			changed_.wait(mutex_);
		else
			sync_now();
	}
	return failure_;
}

void DeviceSync::sync_now()
{
	syncing_ = true;
	gather();
	uint64_t covered = asked_;
	uint64_t before = done_;
	mutex_.unlock();
	auto start = Clock::now();
	int ret = sync_device();
	auto took = Clock::now() - start;
	mutex_.lock();
	syncing_ = false;
	if (ret && !failure_)
		failure_ = ret;
	done_ = covered;
	took_ = took;
	expected_ = asked_ - before;
	changed_.notify_all();
}

/*
 * Those whom the last sync served ask again in a moment, if they have more to
 * commit. To wait for them, though not for long, saves them the wait for the
 * whole of a sync that begins just before they ask. If they take longer, they
 * are not waited for again soon: it is better to sync meanwhile.
 */
void DeviceSync::gather()
{
	constexpr int kShare = 8; /* of the time that a sync takes */
	constexpr int kPause = 32;
	if (pause_) {
		pause_--;
		return;
	}
	auto until = Clock::now() + took_ / kShare;
	bool in_time = true;
	gathering_ = true;
	while (asked_ - done_ < expected_ && !failure_ && in_time)
		in_time = changed_.wait_until(mutex_, until);
	gathering_ = false;
	if (!in_time)
		pause_ = kPause;
}

void DeviceSync::set_failure(int failure) noexcept
{
	MutexLock guard(mutex_);
	if (!failure_)
		failure_ = failure;
	changed_.notify_all();
}

} // namespace ofi_pmem
