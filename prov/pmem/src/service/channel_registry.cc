/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/channel_registry.hh"

#include "core/params.hh"

#include <algorithm>

namespace ofi_pmem
{

ChannelRegistry::Admission::Admission(ChannelRegistry *registry,
				      const IpAddress *peer)
	: registry_(registry)
{
	if (peer)
		peer_ = *peer;
	registry_->enter(this);
}

ChannelRegistry::Admission::~Admission()
{
	registry_->leave(this);
}

void ChannelRegistry::enter(Admission *admission)
{
	MutexLock guard(mutex_);
	all_.insert(admission);
	admission->number_ = ++last_;
	auto fewest = std::min_element(served_.begin(), served_.end());
	admission->thread_ = static_cast<size_t>(fewest - served_.begin());
	if (*fewest != kRetired)
		++*fewest;
}

void ChannelRegistry::leave(Admission *admission) noexcept
{
	MutexLock guard(mutex_);
	all_.erase(admission);
	size_t &served = served_[admission->thread_];
	if (served != kRetired)
		served--;
}

void ChannelRegistry::retire(size_t thread) noexcept
{
	MutexLock guard(mutex_);
	served_[thread] = kRetired;
}

size_t ChannelRegistry::size() const noexcept
{
	MutexLock guard(mutex_);
	return all_.size();
}

/*
 * Those that have not greeted are counted apart, so that strangers do not take
 * the place of initiators at the same address.
 */
bool ChannelRegistry::too_many_from(const IpAddress &peer) const
{
	size_t greeted = 0;
	size_t silent = 0;
	for (const Admission *one : all_) {
		if (one->peer_.same_host(peer))
			++(one->greeted_ ? greeted : silent);
	}
	return std::max(greeted, silent) >= params().max_per_address;
}

/* Only one thread of a service admits, so no other takes the place meanwhile.
 */
const char *ChannelRegistry::admit(const IpAddress *peer,
				   std::unique_ptr<Admission> *admission)
{
	{
		MutexLock guard(mutex_);
		if (all_.size() >= params().max_channels)
			return "FI_OFI_PMEM_MAX_CHANNELS";
		if (peer && too_many_from(*peer))
			return "FI_OFI_PMEM_MAX_PER_ADDRESS";
	}
	*admission = std::make_unique<Admission>(this, peer);
	return nullptr;
}

std::vector<size_t> ChannelRegistry::greeted(Admission *admission,
					     uint64_t name)
{
	MutexLock guard(mutex_);
	admission->greeted_ = true;
	admission->name_ = name;
	std::vector<size_t> threads;
	if (!name)
		return threads;
	auto supersede = [&](Admission *one) {
		if (!one->superseded_.exchange(true))
			threads.push_back(one->thread_);
	};
	for (Admission *one : all_) {
		if (one->name_ != name)
			continue;
		if (one->number_ < admission->number_)
			supersede(one);
		else if (one != admission)
			supersede(admission);
	}
	return threads;
}

} // namespace ofi_pmem
