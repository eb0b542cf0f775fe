/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Tracks what one connection has written and not committed: which side must
 * flush it, and what else the next drain must ask for.
 */
#pragma once

#include "initiator/dirty_ranges.hh"
#include "initiator/request_window.hh"
#include "protocol/wire.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class DirtyTracker
{
public:
	/* Nothing is left to be flushed, and no failure to be reported. */
	bool clean() const noexcept
	{
		return !owes_nic() && !owes_service() && !failed_;
	}

	/* Some writes are lost if the connection is. */
	bool owes() const noexcept { return owes_nic() || owes_service(); }
	bool owes_nic() const noexcept { return !nic_.empty(); }
	/* The service must flush ranges, or drain what it flushed. */
	bool owes_service() const noexcept
	{
		return !service_.empty() || flushed_early_;
	}
	/* The service may know of failures: requests were sent since the last
	 * drain. */
	bool requested() const noexcept { return requested_; }
	/* A request has failed, which the next drain must report. */
	bool failed() const noexcept { return failed_; }
	/* No answer has shown yet that some one-sided writes have arrived. */
	bool unseen() const noexcept { return unseen_; }
	/* A Flush has named ranges that no drain of the service has covered. */
	bool flushed_early() const noexcept { return flushed_early_; }

	/* Return the ranges that the service, or the NIC, must flush. */
	const DirtyRanges &service() const noexcept { return service_; }
	const DirtyRanges &nic() const noexcept { return nic_; }

	/* Returns false if there is no room; the caller must flush some early
	 * first. */
	[[nodiscard]] bool add_service(const wire::Range *ranges,
				       size_t count) noexcept;
	/* Returns false if there is no room; the write must be made durable at
	 * once. */
	[[nodiscard]] bool add_nic(const wire::Range &range) noexcept;

	/* Notes what has been posted. */
	void sent(const Request &request) noexcept;
	void wrote_one_sided() noexcept { unseen_ = true; }
	void request_failed() noexcept { failed_ = true; }
	/* A drain by the service has succeeded. */
	void answered() noexcept { requested_ = false; }

	/* A Flush request has named all ranges that the service must flush, and
	 * drains them and what was flushed early. */
	void drained_by_service() noexcept
	{
		service_.clear();
		flushed_early_ = false;
	}
	/* A Flush request has named so many of the oldest ranges, which a later
	 * drain by the service must cover. */
	void service_flushes_early(size_t count) noexcept
	{
		service_.remove_oldest(count);
		flushed_early_ = true;
	}
	/* The NIC flushes so many of the oldest ranges. Whatever it posts later
	 * for a drain completes after that, or fails with it. */
	void nic_flushes_early(size_t count) noexcept
	{
		nic_.remove_oldest(count);
		restart_drain();
	}
	/* The NIC's ranges are flushed, or left to the service. */
	void clear_nic() noexcept
	{
		nic_.clear();
		restart_drain();
	}

	/*
	 * The NIC cannot flush what it wrote to this region, which is not known
	 * any more: the service must. False if there is no room to note that.
	 */
	[[nodiscard]] bool leave_to_service(uint64_t token) noexcept;

	/* A flush of this range was posted. */
	void forget(const wire::Range &range) noexcept;

	/* Says how far a drain has posted the flushes of the NIC's ranges. */
	struct DrainPosition {
		size_t index = 0;
		uint64_t offset = 0; /* within that range */
		bool read = false;   /* the READ for all ranges is posted */
	};
	DrainPosition drain;
	/* A drain that is half posted does not cover later writes. */
	void restart_drain() noexcept { drain = {}; }

private:
	DirtyRanges service_;
	DirtyRanges nic_;
	bool requested_ = false;
	bool failed_ = false;
	bool flushed_early_ = false;
	bool unseen_ = false;
};

} // namespace ofi_pmem
