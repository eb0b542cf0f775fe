/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Makes durable what one channel has flushed in some regions, and keeps the
 * outcome for each. It may take a while; then threads of their own wait for the
 * devices. Every function is called under the region table's lock.
 */
#pragma once

#include "core/errors.hh"
#include "persist/device_sync.hh"
#include "service/region_table.hh"
#include "service/sync_threads.hh"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ofi_pmem
{

class Drain
{
public:
	/* Begins; so many commits wait for it. */
	void begin(RegionTable *table, SyncThreads *syncs, uint64_t token,
		   size_t commits);

	/* Nothing has to be waited for any more: end() can be called. */
	bool ended() const noexcept;
	void end(RegionTable *table);

	/* Returns the outcome for one region, or a failure of any. */
	static constexpr uint64_t kAnyRegion = UINT64_MAX;
	[[nodiscard]] Failure failure_of(uint64_t token) const noexcept;

private:
	struct Part {
		uint64_t token;
		PendingDrain drain;
	};
	struct Outcome {
		uint64_t token;
		Failure failure;
	};

	void note(uint64_t token, const Failure &failure);

	std::vector<Part> parts_;
	std::vector<Outcome> failures_;
};

} // namespace ofi_pmem
