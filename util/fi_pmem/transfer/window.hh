/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Decides how much a put writes before it has the target make that durable.
 * Each drain costs the target a sync, so there should be few. But what is not
 * durable is lost with the target, a drain must end well before the provider
 * gives an operation up, and the progress that is shown counts durable bytes.
 */
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace fi_pmem
{

class Window
{
public:
	using Clock = std::chrono::steady_clock;

	static constexpr uint64_t kFirst = uint64_t{64} << 20;
	static constexpr uint64_t kLeast = uint64_t{1} << 20;
	/* Drains at least this often, however little was written. */
	static constexpr auto kLongest = std::chrono::seconds(1);
	/*
	 * A drain that takes longer than this halves the window; one that takes
	 * less than a quarter of it doubles the window.
	 */
	static constexpr auto kSlow = std::chrono::milliseconds(2000);

	Window(uint64_t most, Clock::time_point now)
		: most_(most), bytes_(std::min(most, kFirst)), drained_(now)
	{
	}

	/* Returns the bytes between two drains. */
	[[nodiscard]] uint64_t bytes() const { return bytes_; }

	/* Returns whether it is time to drain `written` bytes. */
	[[nodiscard]] bool is_due(uint64_t written, Clock::time_point now) const
	{
		return written && (written >= bytes_ || now >= due_at());
	}

	[[nodiscard]] Clock::time_point due_at() const
	{
		return drained_ + kLongest;
	}

	/* A drain that was posted at `posted` has completed. */
	void drained(Clock::time_point posted, Clock::time_point now)
	{
		drained_ = now;
		if (now - posted > kSlow)
			bytes_ = std::max(bytes_ / 2, std::min(kLeast, most_));
		else if (now - posted < kSlow / 4)
			bytes_ = std::min(bytes_ * 2, most_);
	}

private:
	uint64_t most_;
	uint64_t bytes_;
	Clock::time_point drained_;
};

} // namespace fi_pmem
