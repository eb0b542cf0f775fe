/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Tells an object whether it was made by this process or copied from another
 * one's memory. core/fork.hh learns of forks by pthread_atfork(3); what counts
 * nonces must also learn of the raw system calls, which call no handlers. The
 * kernel empties a page of ours in every child that does not share our memory
 * (madvise(2), MADV_WIPEONFORK). Any thread may call these.
 */
#pragma once

#include <atomic>
#include <cstdint>

namespace ofi_pmem
{

class ForkMarker
{
public:
	/* Makes it this process's. Returns false, after a warning, if the
	 * system cannot tell. */
	[[nodiscard]] bool open() noexcept;

	/* False before open() and in a child; costs a comparison. */
	bool own() const noexcept
	{
		return page_ && page_->load(std::memory_order_relaxed) == mark_;
	}

private:
	const std::atomic<uint64_t> *page_ = nullptr;
	uint64_t mark_ = 0;
};

} // namespace ofi_pmem
