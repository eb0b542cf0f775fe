/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keeps the stores to a region out of its file, for the simulated power
 * failure. During a capture, a private mapping of the same part of the same
 * file replaces the pages of the application's shared mapping: stores of the
 * application, of the service and one-sided ones of the inner provider all land
 * in private pages and die with the process. A page without stores shows the
 * file, so visible and durable agree there by themselves.
 *
 * Pages may belong to several regions: all captures of one mapping share one
 * simulation. The first capture of a page replaces it, the last release makes
 * its content durable and puts the shared mapping back. While a page is
 * captured, other processes that map the file see only what is durable, and
 * should not write it.
 *
 * A region must be captured before an inner provider registers its memory and
 * released after that registration is closed; the application should not store
 * into it during the release. Any thread may capture and release.
 */
#pragma once

#include "core/lock.hh"
#include "persist/extent.hh"
#include "persist/line_simulation.hh"
#include "persist/mapping.hh"

#include <memory>

namespace ofi_pmem
{

class CapturedMapping;

/*
 * A caller that inspects memory and then captures it holds this, so that no
 * capture comes or goes in between.
 */
Mutex &capture_lock() noexcept;

/* True if all of [begin, end) is captured (IsCaptured). */
bool is_captured(uintptr_t begin, uintptr_t end) PMEM_REQUIRES(capture_lock());

class Capture
{
public:
	/*
	 * Captures the pages of [base, base + len), which `file` describes.
	 * Returns -FI_EOPNOTSUPP for device DAX, which cannot be mapped
	 * privately; -FI_EBUSY if the same part of the file is captured where
	 * it is mapped at another address; -FI_EIO if it crashed and is not yet
	 * closed. All are logged.
	 */
	[[nodiscard]] static int open(const void *base, size_t len,
				      FileMapping file,
				      std::unique_ptr<Capture> *capture)
		PMEM_REQUIRES(capture_lock());
	~Capture() PMEM_EXCLUDES(capture_lock());

	Capture(const Capture &) = delete;
	Capture &operator=(const Capture &) = delete;

	const std::shared_ptr<LineSimulation> &simulation() const noexcept;

	/*
	 * Returns the part of the file in the region's pages, in file offsets.
	 */
	const Extent &extent() const noexcept { return extent_; }

	/* The power fails for every region of this mapping. */
	[[nodiscard]] int crash(uint64_t seed, Tearing tearing)
		PMEM_EXCLUDES(capture_lock());

private:
	Capture(const Extent &pages, const Extent &extent) noexcept
		: pages_(pages), extent_(extent)
	{
	}

	/* All captures of the same mapping own this. */
	std::shared_ptr<CapturedMapping> mapping_;
	Extent pages_;
	Extent extent_;
};

} // namespace ofi_pmem
