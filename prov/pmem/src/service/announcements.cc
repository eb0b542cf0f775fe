/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/announcements.hh"

#include <algorithm>
#include <new>

namespace ofi_pmem
{

void Announcements::keep_last(Queue *queue, size_t count) noexcept
{
	while (queue->size() > count) {
		queue->pop_front();
		count_--;
	}
}

void Announcements::add(const Session *channel, uint64_t operation,
			uint64_t cq_data, size_t length)
{
	MutexLock guard(mutex_);
	Queue &queue = channels_[channel];
	queue.push_back({++last_, operation, cq_data, length});
	count_++;
	keep_last(&queue, kMaxPerChannel);
}

void Announcements::retract(const Session *channel, uint64_t operation) noexcept
{
	MutexLock guard(mutex_);
	auto entry = channels_.find(channel);
	if (entry == channels_.end())
		return;
	Queue &queue = entry->second;
	auto found = std::find_if(queue.begin(), queue.end(),
				  [&](const Announcement &one) {
					  return one.operation == operation;
				  });
	if (found == queue.end())
		return;
	queue.erase(found);
	count_--;
}

void Announcements::close(const Session *channel) noexcept
{
	MutexLock guard(mutex_);
	auto entry = channels_.find(channel);
	if (entry == channels_.end())
		return;
	const Queue &queue = entry->second;
	try {
		closed_.insert(closed_.end(), queue.begin(), queue.end());
	} catch (const std::bad_alloc &) {
		count_ -= queue.size(); /* their lengths will not be reported */
	}
	channels_.erase(entry);
	keep_last(&closed_, kMaxPerChannel);
}

/* Returns the queue with the first announcement of this CQ data, or null. */
Announcements::Queue *Announcements::first_with(uint64_t cq_data, uint64_t mask,
						Queue::iterator *first) noexcept
{
	auto find_in = [&](Queue &queue) {
		return std::find_if(queue.begin(), queue.end(),
				    [&](const Announcement &one) {
					    return !((one.cq_data ^ cq_data) &
						     mask);
				    });
	};
	Queue *from = nullptr;
	for (auto &[channel, queue] : channels_) {
		auto found = find_in(queue);
		if (found == queue.end())
			continue;
		if (from && (*first)->number < found->number)
			continue;
		from = &queue;
		*first = found;
	}
	if (from)
		return from;
	*first = find_in(closed_);
	return *first == closed_.end() ? nullptr : &closed_;
}

std::optional<size_t> Announcements::take(uint64_t cq_data,
					  uint64_t mask) noexcept
{
	MutexLock guard(mutex_);
	Queue::iterator first;
	Queue *from = first_with(cq_data, mask, &first);
	if (!from)
		return std::nullopt;
	size_t length = first->length;
	from->erase(first);
	count_--;
	return length;
}

} // namespace ofi_pmem
