/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Keeps the addresses of objects as long as these live. */
#pragma once

#include "core/address.hh"
#include "core/lock.hh"

#include <list>
#include <utility>
#include <vector>

namespace ofi_pmem
{

/* Any thread may call it. */
class AddressList
{
public:
	/* An address can be there more than once. Throws std::bad_alloc. */
	std::vector<IpAddress> all() const
	{
		MutexLock guard(lock_);
		return {addresses_.begin(), addresses_.end()};
	}

private:
	friend class AddressEntry;

	mutable Mutex lock_{lock_rank::kAddressList};
	std::list<IpAddress> addresses_ PMEM_GUARDED_BY(lock_);
};

/* Keeps an address in the list for the life of its owner. */
class AddressEntry
{
public:
	AddressEntry() noexcept = default;
	/* Throws std::bad_alloc. */
	AddressEntry(AddressList &list, const IpAddress &address) : list_(&list)
	{
		MutexLock guard(list.lock_);
		at_ = list.addresses_.insert(list.addresses_.end(), address);
	}
	AddressEntry(const AddressEntry &) = delete;
	AddressEntry &operator=(AddressEntry &&other) noexcept
	{
		std::swap(list_, other.list_);
		std::swap(at_, other.at_);
		return *this;
	}
	~AddressEntry()
	{
		if (!list_)
			return;
		MutexLock guard(list_->lock_);
		list_->addresses_.erase(at_);
	}

	explicit operator bool() const noexcept { return list_ != nullptr; }

private:
	AddressList *list_ = nullptr;
	std::list<IpAddress>::iterator at_;
};

} // namespace ofi_pmem
