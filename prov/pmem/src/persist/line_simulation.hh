/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Simulates power loss in cache lines. A line is dirty if its visible content
 * differs from the durable image, pending once flushed (with its content at
 * that moment), durable after drain(). At the crash every line that is not
 * durable is kept or lost independently of all others, because caches evict
 * lines in any order, flushed or not.
 *
 * Stores need no tracking: flush() and crash() compare. Content that was
 * overwritten before any flush cannot be seen in this way.
 *
 * Positions are those of the durable image; position p is visible at address
 * origin + p. Lines are aligned in both, and cut at the ends of the extent that
 * the caller passes. Thread-safe: regions of several domains, each with its
 * own service thread, may share one object.
 */
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "persist/durable_image.hh"
#include "persist/extent.hh"

namespace ofi_pmem
{

inline constexpr size_t kLineSize = 64;

/* With `words` a kept line may be kept in part, by aligned 8-byte words. */
enum class Tearing { none, words };

class LineSimulation
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
	 * Makes every pending line durable, whichever region flushed it, as a
	 * fence of the one CPU would.
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

private:
	struct Line {
		uint64_t at;
		size_t size;
		std::array<char, kLineSize> bytes;
	};

	template <typename Visit>
	int for_each_line(const Extent &extent, const Extent &range,
			  Visit &&visit);
	int write_pending();
	int settle_line(const Line &visible, const Line &durable);
	int crash_line(const Line &visible, const Line &durable,
		       std::mt19937_64 *random, Tearing tearing);

	const uintptr_t origin_;
	std::mutex lock_;
	/* lock_ protects all below. */
	std::unique_ptr<DurableImage> image_;
	std::map<uint64_t, Line> pending_;
	bool crashed_ = false;
};

} // namespace ofi_pmem
