/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What makes written bytes durable only after a while: the file behind regions,
 * or a simulated device. One sync covers all that was written before it began,
 * whoever asked for it; who asks later gets the next. After the first failure
 * nobody succeeds any more, because the kernel reports a lost write only once
 * (fsync(2), NOTES).
 *
 * Any thread may call it.
 */
#pragma once

#include "core/lock.hh"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ofi_pmem
{

class DeviceSync
{
public:
	DeviceSync() = default;
	virtual ~DeviceSync() = default;
	DeviceSync(const DeviceSync &) = delete;
	DeviceSync &operator=(const DeviceSync &) = delete;

	/*
	 * Returns the ticket of a sync that begins after this call, so it
	 * covers what was written before. So many commits wait for it, at least
	 * one.
	 */
	uint64_t ask(size_t commits = 1) noexcept;

	/*
	 * Waits until the sync with this ticket has ended, and syncs if nobody
	 * does. Returns 0 or the negative fi_errno of the first failure.
	 */
	[[nodiscard]] int sync(uint64_t ticket) noexcept;
	[[nodiscard]] int sync() noexcept { return sync(ask()); }

	/* True if sync() would not wait. */
	bool ended(uint64_t ticket) const noexcept
	{
		return failure_ || done_ >= ticket;
	}

	/* Returns 0, or the negative fi_errno of the first failure. */
	int failure() const noexcept { return failure_; }

	/* Syncs of the same device wait for each other. */
	virtual uint64_t device() const noexcept = 0;

protected:
	/*
	 * Makes durable what was written before. Returns 0 or a negative
	 * fi_errno. Calls do not overlap.
	 */
	[[nodiscard]] virtual int sync_device() noexcept = 0;

	void set_failure(int failure) noexcept;

private:
	using Clock = std::chrono::steady_clock;

	void gather() PMEM_REQUIRES(mutex_);
	void sync_now() PMEM_REQUIRES(mutex_);

	Mutex mutex_{lock_rank::kDeviceSync};
	Condition changed_;
	bool syncing_ PMEM_GUARDED_BY(mutex_) = false;
	/* Counts the commits that asked for a sync, and had one. */
	uint64_t asked_ PMEM_GUARDED_BY(mutex_) = 0;
	std::atomic<uint64_t> done_{0};
	std::atomic<int> failure_{0};

	/* So many asked for the last sync or during it, and it took so long. */
	uint64_t expected_ PMEM_GUARDED_BY(mutex_) = 0;
	Clock::duration took_ PMEM_GUARDED_BY(mutex_){};
	bool gathering_ PMEM_GUARDED_BY(mutex_) = false;
	int pause_ PMEM_GUARDED_BY(mutex_) = 0; /* syncs without gather() */
};

/* A drain that was begun and has not ended. */
struct PendingDrain {
	std::shared_ptr<DeviceSync> sync; /* null: there is none */
	uint64_t ticket = 0;

	explicit operator bool() const noexcept { return sync != nullptr; }
	bool ended() const noexcept { return sync->ended(ticket); }
	/* Does DeviceSync::sync(). */
	[[nodiscard]] int wait() const noexcept { return sync->sync(ticket); }
};

} // namespace ofi_pmem
