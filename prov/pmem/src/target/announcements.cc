/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "target/announcements.hh"

#include <algorithm>

namespace ofi_pmem
{

void Announcements::add(const Session *channel, uint64_t operation,
			uint64_t cq_data, size_t length)
{
	std::lock_guard guard(mutex_);
	keep_last(channel, kMaxPerChannel - 1);
	announced_.push_back({channel, operation, cq_data, length});
	count_ = announced_.size();
}

void Announcements::keep_last(const Session *channel, size_t count) noexcept
{
	auto ours = [&](const Announcement &one) {
		return one.channel == channel;
	};
	auto all = static_cast<size_t>(
		std::count_if(announced_.begin(), announced_.end(), ours));
	for (; all > count; all--)
		announced_.erase(std::find_if(announced_.begin(),
					      announced_.end(), ours));
}

void Announcements::retract(const Session *channel, uint64_t operation) noexcept
{
	std::lock_guard guard(mutex_);
	auto failed = [&](const Announcement &one) {
		return one.channel == channel && one.operation == operation;
	};
	announced_.erase(
		std::remove_if(announced_.begin(), announced_.end(), failed),
		announced_.end());
	count_ = announced_.size();
}

void Announcements::close(const Session *channel) noexcept
{
	std::lock_guard guard(mutex_);
	for (Announcement &one : announced_) {
		if (one.channel == channel)
			one.channel = nullptr;
	}
	keep_last(nullptr, kMaxPerChannel);
	count_ = announced_.size();
}

std::optional<size_t> Announcements::take(uint64_t cq_data,
					  uint64_t mask) noexcept
{
	std::lock_guard guard(mutex_);
	auto first = [&](bool closed) {
		return std::find_if(announced_.begin(), announced_.end(),
				    [&](const Announcement &one) {
					    return !one.channel == closed &&
						   !((one.cq_data ^ cq_data) &
						     mask);
				    });
	};
	auto found = first(false);
	if (found == announced_.end())
		found = first(true);
	if (found == announced_.end())
		return std::nullopt;
	size_t length = found->length;
	announced_.erase(found);
	count_ = announced_.size();
	return length;
}

} // namespace ofi_pmem
