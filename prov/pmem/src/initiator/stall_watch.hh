/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds out that a connection makes no progress: the oldest outstanding request
 * or chain has been the same for too long. A later one that completes proves
 * nothing, because on sockets a plain write completes when it is handed over.
 */
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ofi_pmem
{

class StallWatch
{
public:
	static constexpr uint64_t kNone = UINT64_MAX;

	/* Returns the number of what is posted now; numbers ascend from 1. */
	uint64_t next() noexcept { return ++posted_; }
	/* Returns the number of what is posted next. */
	uint64_t upcoming() const noexcept { return posted_ + 1; }

	/*
	 * It is called once per period: `oldest` is the number of what has been
	 * outstanding for longest, `sent` grows while something is sent, and
	 * `since` is the time since the last call. Returns true if nothing has
	 * changed for `timeout`, as far as somebody looked: an application that
	 * was busy elsewhere has not seen what arrived.
	 */
	[[nodiscard]] bool stalled(uint64_t oldest, uint64_t sent,
				   std::chrono::milliseconds since,
				   std::chrono::milliseconds timeout) noexcept
	{
		if (oldest == oldest_ && sent == sent_)
			unmoved_ += std::min(since, timeout / 4);
		else
			unmoved_ = {};
		oldest_ = oldest;
		sent_ = sent;
		return oldest != kNone && unmoved_ >= timeout;
	}

private:
	uint64_t posted_ = 0;
	uint64_t oldest_ = kNone;
	uint64_t sent_ = 0;
	std::chrono::milliseconds unmoved_{};
};

} // namespace ofi_pmem
