/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Maps inner fids to outer fids; there is one map per fabric. The inner
 * provider's events name inner objects; what the application itself wrote into
 * an event queue names its own and is in no map.
 */
#pragma once

#include "core/lock.hh"

#include <rdma/fabric.h>

#include <unordered_map>

namespace ofi_pmem
{

/* Any thread may call it. */
class FidMap
{
public:
	/* Throws std::bad_alloc. */
	void add(fid_t inner, fid_t outer)
	{
		MutexLock guard(lock_);
		outer_[inner] = outer;
	}

	void remove(fid_t inner) noexcept
	{
		MutexLock guard(lock_);
		outer_.erase(inner);
	}

	/* Returns null if the fid is unknown. */
	fid_t find(fid_t inner) const noexcept
	{
		MutexLock guard(lock_);
		auto entry = outer_.find(inner);
		return entry == outer_.end() ? nullptr : entry->second;
	}

private:
	mutable Mutex lock_{lock_rank::kFidMap};
	std::unordered_map<fid_t, fid_t> outer_ PMEM_GUARDED_BY(lock_);
};

/* Keeps an entry in the map for the life of its owner. */
class FidMapEntry
{
public:
	FidMapEntry() noexcept = default;
	FidMapEntry(FidMap &map, fid_t inner, fid_t outer)
		: map_(&map), inner_(inner)
	{
		map.add(inner, outer);
	}
	FidMapEntry(const FidMapEntry &) = delete;
	FidMapEntry &operator=(FidMapEntry &&other) noexcept
	{
		std::swap(map_, other.map_);
		std::swap(inner_, other.inner_);
		return *this;
	}
	~FidMapEntry()
	{
		if (map_)
			map_->remove(inner_);
	}

private:
	FidMap *map_ = nullptr;
	fid_t inner_ = nullptr;
};

} // namespace ofi_pmem
