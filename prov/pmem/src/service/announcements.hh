/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keeps the lengths of writes with remote CQ data. Their data comes by the
 * channel, and their CQ data afterwards by an empty write on the application's
 * own endpoint. The completion of that write must have the length, as with
 * other providers.
 *
 * An inner completion does not show to which write it belongs. If several
 * writes were announced with the same CQ data, the first is taken, which is
 * right as long as they come from one peer. Announcements of a peer that has
 * closed its channel may still be needed, and count after those of others. Any
 * thread may call it.
 */
#pragma once

#include "core/lock.hh"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

namespace ofi_pmem
{

class Session;

class Announcements
{
public:
	/*
	 * At most this many are kept for one channel, and for all closed ones
	 * together; the oldest is dropped. Nobody takes any if the application
	 * reads its completions in a format without CQ data.
	 */
	static constexpr size_t kMaxPerChannel = 1024;

	void add(const Session *channel, uint64_t operation, uint64_t cq_data,
		 size_t length);
	/* The announced operation has failed: its CQ data will not come. */
	void retract(const Session *channel, uint64_t operation) noexcept;
	void close(const Session *channel) noexcept;

	bool empty() const noexcept { return !count_; }

	/*
	 * Returns, once, the length of a write that arrived with this CQ data.
	 * Only the bits of `mask` count: those that the inner provider
	 * transfers.
	 */
	std::optional<size_t> take(uint64_t cq_data, uint64_t mask) noexcept;

private:
	struct Announcement {
		uint64_t number; /* ascends in the order of arrival */
		uint64_t operation;
		uint64_t cq_data;
		size_t length;
	};
	using Queue = std::deque<Announcement>;
	using Channels = std::unordered_map<const Session *, Queue>;

	void keep_last(Queue *queue, size_t count) noexcept
		PMEM_REQUIRES(mutex_);
	Queue *first_with(uint64_t cq_data, uint64_t mask,
			  Queue::iterator *first) noexcept
		PMEM_REQUIRES(mutex_);

	Mutex mutex_{lock_rank::kAnnouncements};
	Channels channels_ PMEM_GUARDED_BY(mutex_); /* the open ones */
	Queue closed_
		PMEM_GUARDED_BY(mutex_); /* of all channels that were closed */
	uint64_t last_ PMEM_GUARDED_BY(mutex_) = 0;
	std::atomic<size_t> count_{0};
};

} // namespace ofi_pmem
