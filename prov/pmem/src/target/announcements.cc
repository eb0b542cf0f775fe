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
	auto ours = [&](const Announcement &one) {
		return one.channel == channel;
	};
	auto count = std::count_if(announced_.begin(), announced_.end(), ours);
	if (static_cast<size_t>(count) == kMaxPerChannel)
		announced_.erase(std::find_if(announced_.begin(),
					      announced_.end(), ours));
	announced_.push_back({channel, operation, cq_data, length});
	count_ = announced_.size();
}

template <typename Predicate>
void Announcements::erase(Predicate &&predicate) noexcept
{
	std::lock_guard guard(mutex_);
	announced_.erase(
		std::remove_if(announced_.begin(), announced_.end(), predicate),
		announced_.end());
	count_ = announced_.size();
}

void Announcements::retract(const Session *channel, uint64_t operation) noexcept
{
	erase([&](const Announcement &one) {
		return one.channel == channel && one.operation == operation;
	});
}

void Announcements::forget(const Session *channel) noexcept
{
	erase([&](const Announcement &one) { return one.channel == channel; });
}

std::optional<size_t> Announcements::take(uint64_t cq_data,
					  uint64_t mask) noexcept
{
	std::lock_guard guard(mutex_);
	auto found =
		std::find_if(announced_.begin(), announced_.end(),
			     [&](const Announcement &one) {
				     return !((one.cq_data ^ cq_data) & mask);
			     });
	if (found == announced_.end())
		return std::nullopt;
	size_t length = found->length;
	announced_.erase(found);
	count_ = announced_.size();
	return length;
}

} // namespace ofi_pmem
