/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "app/deferred.hh"
#include "app/domain.hh"
#include "app/wait_fd.hh"
#include "app/wrapper.hh"

#include <rdma/fi_eq.h>

namespace ofi_pmem
{

/*
 * A counter. On a plain domain every call is forwarded. On a persistent domain
 * its value is the inner counter's plus our own part. The inner one only counts
 * up, by itself; what the application or the persistence plane adds or sets
 * goes to our part (which may be negative, modulo 2^64).
 *
 * Any thread may call add_own() and add_own_error(), only application threads
 * the rest.
 */
class Counter final : public Wrapper<fid_cntr>
{
public:
	static int open(Domain &domain, fi_cntr_attr *attr, void *context,
			fid_cntr **cntr);

	/* The persistence plane counts completed or failed operations. */
	void add_own(uint64_t count) noexcept;
	void add_own_error(uint64_t count) noexcept;

	/*
	 * Makes the value of an inner counter a part of this one's. When it is
	 * removed, its last value stays. Throws std::bad_alloc.
	 */
	void add_source(fid_cntr *inner);
	void remove_source(fid_cntr *inner) noexcept;

	/* The threads that read this counter do this work. */
	DeferredList &deferred() noexcept { return deferred_; }
	void announce_deferred() noexcept;

	uint64_t read() noexcept;
	uint64_t readerr() noexcept;
	void set(uint64_t value) noexcept;
	void seterr(uint64_t value) noexcept;

	/*
	 * Returns 0 when the value is at least `threshold`, -FI_EAVAIL if an
	 * error was counted since the call began, or -FI_ETIMEDOUT.
	 */
	int wait(uint64_t threshold, int timeout_ms) noexcept;

	/* Returns 0 if the caller may block on the wait object. */
	int trywait() noexcept;

	int control(int command, void *arg) noexcept;

private:
	Counter(Domain &domain, void *context) noexcept;

	void progress() noexcept;
	uint64_t errors() noexcept;
	uint64_t inner_value() noexcept;
	uint64_t inner_errors() noexcept;
	void pause(int left_ms) noexcept;
	void wake() noexcept;

	Domain &domain_;
	Dependence parent_;
	WaitFd wait_;
	DeferredList deferred_;
	std::mutex sources_lock_;
	std::vector<fid_cntr *> sources_;
	std::atomic<uint64_t> own_{0};
	std::atomic<uint64_t> own_errors_{0};
	/* The application last saw this as our part. */
	std::atomic<uint64_t> seen_{0};
	std::atomic<uint64_t> seen_errors_{0};
};

} // namespace ofi_pmem
