/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Simulates power loss in cache lines. A line is dirty if its visible content
 * differs from the durable image, pending once flushed (with its content at
 * that moment), durable after drain(). At the crash every line that is not
 * durable is kept or lost independently of all others, because caches evict
 * lines in any order, flushed or not.
 *
 * With FI_OFI_PMEM_POWERFAIL_SYNC_US a drain takes as long as the sync of a
 * disk would, and what is flushed meanwhile waits for the next.
 *
 * Stores need no tracking: flush() and crash() compare. Content that was
 * overwritten before any flush cannot be seen in this way.
 *
 * Positions are those of the durable image; position p is visible at address
 * origin + p. Lines are aligned in both, and cut at the ends of the extent that
 * the caller passes. Any thread may call it: regions of several domains may
 * share one object.
 */
#pragma once

#include "core/lock.hh"
#include "persist/device_sync.hh"
#include "persist/durable_image.hh"
#include "persist/extent.hh"

#include <array>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace ofi_pmem
{

inline constexpr size_t kLineSize = 64;

/* With `words` a kept line may be kept in part, by aligned 8-byte words. */
enum class Tearing { none, words };

class LineSimulation final : public DeviceSync
{
public:
	LineSimulation(uintptr_t origin,
		       std::unique_ptr<DurableImage> image) noexcept
		: origin_(origin), image_(std::move(image))
	{
	}

	/* Makes the lines of `range` pending; both lie within `extent`. */
	[[nodiscard]] int flush(const Extent &extent,
				const Extent &range) noexcept;

	/*
	 * Makes every pending line durable, whichever region or thread flushed
	 * it: more than the fence of a CPU does. Callers who want it to take a
	 * while use sync().
	 */
	[[nodiscard]] int drain() noexcept;

	/* Makes everything visible in `extent` durable, for an orderly close.
	 */
	[[nodiscard]] int settle(const Extent &extent) noexcept;

	/*
	 * The power fails: decides with `seed` what survives in the lines of
	 * `extents` and writes it to the image. Afterwards flush() and drain()
	 * fail with -FI_EIO. The same state and seed give the same outcome.
	 */
	[[nodiscard]] int crash(const std::vector<Extent> &extents,
				uint64_t seed, Tearing tearing) noexcept;

	/* Returns 0, or -FI_EIO after a crash or if the image lost bytes of
	 * `range`. */
	[[nodiscard]] int check(const Extent &range) noexcept;

	[[nodiscard]] int read_durable(uint64_t at, void *target,
				       size_t len) noexcept;

	char *visible(uint64_t at) const noexcept
	{
		return reinterpret_cast<char *>(origin_ + at);
	}
	bool crashed() noexcept;

	uint64_t device() const noexcept override { return 0; }

protected:
	int sync_device() noexcept override;

private:
	struct Line {
		uint64_t at;
		size_t size;
		std::array<char, kLineSize> bytes;
	};

	template <typename Visit>
	int for_each_line(const Extent &extent, const Extent &range,
			  Visit &&visit) PMEM_REQUIRES(lock_);
	int begin_drain() PMEM_REQUIRES(lock_);
	int end_drain() PMEM_REQUIRES(lock_);
	int write_draining() PMEM_REQUIRES(lock_);
	void flush_line(const Line &visible, const Line &durable)
		PMEM_REQUIRES(lock_);
	int settle_line(const Line &visible, const Line &durable)
		PMEM_REQUIRES(lock_);
	int crash_line(const Line &visible, const Line &durable,
		       std::mt19937_64 *random, Tearing tearing)
		PMEM_REQUIRES(lock_);

	const uintptr_t origin_;
	Mutex lock_{lock_rank::kLineSimulation};
	std::unique_ptr<DurableImage> image_ PMEM_GUARDED_BY(lock_);
	std::map<uint64_t, Line> pending_ PMEM_GUARDED_BY(lock_);
	/* The lines that a drain is making durable. */
	std::map<uint64_t, Line> draining_ PMEM_GUARDED_BY(lock_);
	bool crashed_ PMEM_GUARDED_BY(lock_) = false;
};

} // namespace ofi_pmem
