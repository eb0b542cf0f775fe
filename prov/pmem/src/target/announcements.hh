/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keeps the lengths of writes with remote CQ data. Their data comes by the
 * channel, their CQ data afterwards by an empty write on the application's own
 * endpoint, whose completion must have the length, as with other providers.
 *
 * An inner completion does not show to which write it belongs. Of several
 * announced with the same CQ data the first is taken, which is right as long as
 * they come from one peer. What a peer announced before it closed its channel
 * may still be on its way, and counts after what others announced. Any thread
 * may call it.
 */
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace ofi_pmem
{

class Session;

class Announcements
{
public:
	/*
	 * The maximum kept for one channel, and for all closed ones together;
	 * the oldest is dropped. Nobody takes any if the application reads its
	 * completions in a format without CQ data.
	 */
	static constexpr size_t kMaxPerChannel = 1024;

	void add(const Session *channel, uint64_t operation, uint64_t cq_data,
		 size_t length);
	/* The operation, announced once, failed: no CQ data comes. */
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
		uint64_t number; /* in the order of their arrival */
		uint64_t operation;
		uint64_t cq_data;
		size_t length;
	};
	using Queue = std::deque<Announcement>;
	using Channels = std::unordered_map<const Session *, Queue>;

	void keep_last(Queue *queue, size_t count) noexcept;
	Queue *first_with(uint64_t cq_data, uint64_t mask,
			  Queue::iterator *first) noexcept;

	std::mutex mutex_;
	Channels channels_; /* the open ones */
	Queue closed_;	    /* of all channels that were closed */
	uint64_t last_ = 0;
	std::atomic<size_t> count_{0};
};

} // namespace ofi_pmem
