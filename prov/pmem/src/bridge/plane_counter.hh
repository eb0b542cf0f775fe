/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Our part of a counter of a persistent domain: what the persistence plane
 * counts, and the values of inner counters beside the application's own. The
 * inner counter only counts up, by itself; what the application adds or sets
 * goes to our part, which may be negative, modulo 2^64.
 */
#pragma once

#include "bridge/deferred.hh"
#include "bridge/wait_fd.hh"
#include "core/lock.hh"

#include <rdma/fi_domain.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace ofi_pmem
{

/* Any thread may call it. */
class PlaneCounter
{
public:
	/* The persistence plane counts completed or failed operations. */
	void add_own(uint64_t count) noexcept
	{
		own_ += count;
		wake();
	}
	void add_own_error(uint64_t count) noexcept
	{
		own_errors_ += count;
		wake();
	}
	void set_own(uint64_t value) noexcept
	{
		own_ = value;
		wake();
	}
	void set_own_errors(uint64_t value) noexcept
	{
		own_errors_ = value;
		wake();
	}
	uint64_t own() const noexcept { return own_; }
	uint64_t own_errors() const noexcept { return own_errors_; }

	/*
	 * Makes the value of an inner counter a part of this one's. When it is
	 * removed, its last value stays. Throws std::bad_alloc.
	 */
	void add_source(fid_cntr *inner);
	void remove_source(fid_cntr *inner) noexcept;
	/* Return the sums of those counters. */
	uint64_t sources() noexcept;
	uint64_t source_errors() noexcept;

	/* The threads that read this counter do this work. */
	DeferredList &deferred() noexcept { return deferred_; }
	void announce_deferred() noexcept
	{
		deferred_.announce();
		wake();
	}

	/* Threads that read the counter wait with this. */
	WaitFd wait;

private:
	void wake() noexcept
	{
		if (wait.is_open())
			wait.wake();
	}

	DeferredList deferred_;
	Mutex sources_lock_{lock_rank::kCounter};
	std::vector<fid_cntr *> sources_ PMEM_GUARDED_BY(sources_lock_);
	std::atomic<uint64_t> own_{0};
	std::atomic<uint64_t> own_errors_{0};
};

} // namespace ofi_pmem
