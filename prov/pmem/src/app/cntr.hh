/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/domain.hh"
#include "app/wrapper.hh"
#include "bridge/plane_counter.hh"

#include <rdma/fi_eq.h>

#include <atomic>

namespace ofi_pmem
{

/*
 * A counter. On a plain domain every call is forwarded. On a persistent domain
 * its value is the inner counter's plus that of the plane's part.
 */
class Counter final : public Wrapper<fid_cntr>
{
public:
	static int open(Domain &domain, fi_cntr_attr *attr, void *context,
			fid_cntr **cntr);

	/* Returns the persistence plane's part of it. */
	PlaneCounter &plane() noexcept { return plane_; }

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

	Domain &domain_;
	Dependence parent_;
	PlaneCounter plane_;
	/* The application last saw this as our part. */
	std::atomic<uint64_t> seen_{0};
	std::atomic<uint64_t> seen_errors_{0};
};

} // namespace ofi_pmem
