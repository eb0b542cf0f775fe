/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Maps inner fids to outer fids; there is one map per fabric. The inner
 * provider's events name inner objects; what the application itself wrote into
 * an event queue names its own and is in no map.
 */
#pragma once

#include <mutex>
#include <unordered_map>

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* Any thread may call it. */
class FidMap
{
public:
	/* Throws std::bad_alloc. */
	void add(fid_t inner, fid_t outer)
	{
		std::lock_guard<std::mutex> guard(lock_);
		outer_[inner] = outer;
	}

	void remove(fid_t inner) noexcept
	{
		std::lock_guard<std::mutex> guard(lock_);
		outer_.erase(inner);
	}

	/* Returns null if the fid is unknown. */
	fid_t find(fid_t inner) const noexcept
	{
		std::lock_guard<std::mutex> guard(lock_);
		auto entry = outer_.find(inner);
		return entry == outer_.end() ? nullptr : entry->second;
	}

private:
	mutable std::mutex lock_;
	std::unordered_map<fid_t, fid_t> outer_;
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
