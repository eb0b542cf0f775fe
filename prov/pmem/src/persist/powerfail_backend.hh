/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Simulates power failure (FI_OFI_PMEM_BACKEND=powerfail). SIGKILL of the
 * process loses every line that was not drained; crash() decides line by line.
 * A file's own content is the durable image; forced memory without a suitable
 * file has an image in memory, which only a test can examine.
 *
 * Closing the region is an orderly shutdown: what is visible becomes durable.
 * After crash() every call fails with -FI_EIO, and closing writes nothing.
 */
#pragma once

#include "persist/backend.hh"
#include "persist/capture.hh"
#include "persist/line_simulation.hh"

namespace ofi_pmem
{

class PowerfailBackend final : public Backend
{
public:
	/* Simulates a region of a file. */
	PowerfailBackend(void *base, std::unique_ptr<Capture> capture) noexcept;

	/* Simulates memory without a file. Throws std::bad_alloc. */
	PowerfailBackend(void *base, size_t len);

	int flush(uint64_t offset, size_t len) noexcept override;
	int begin_drain(size_t commits,
			PendingDrain *pending) noexcept override;
	int end_drain(uint64_t ticket) noexcept override;
	int failure() const noexcept override { return simulation_->failure(); }
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override;
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override;
	int load(uint64_t offset, void *target, size_t len) noexcept override;
	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override;
	Coverage coverage() const noexcept override { return Coverage::domain; }

	Granularity granularity() const noexcept override
	{
		return Granularity::cache_line;
	}
	PersistenceDomain domain() const noexcept override
	{
		return PersistenceDomain::simulated;
	}
	bool one_sided() const noexcept override { return true; }

	/*
	 * The power fails, for this region and all that share its mapping of
	 * the file. `seed` and the lines' state determine the outcome.
	 */
	[[nodiscard]] int crash(uint64_t seed,
				Tearing tearing = Tearing::words);

	/* Loads what survives a power failure that keeps nothing else. */
	[[nodiscard]] int load_durable(uint64_t offset, void *target,
				       size_t len) noexcept;

private:
	Extent range(uint64_t offset, size_t len) const noexcept;

	char *base_;
	std::unique_ptr<Capture> capture_; /* null: there is no file */
	std::shared_ptr<LineSimulation> simulation_;
	Extent extent_;
	/* The region's first byte is at this position of the simulation. */
	uint64_t position_;
};

} // namespace ofi_pmem
