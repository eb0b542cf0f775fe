/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/region_key.hh"

#include "core/log.hh"

namespace ofi_pmem
{

namespace
{

/* A limit of 0 is none. */
uint64_t left_of(uint64_t limit, uint64_t used) noexcept
{
	if (!limit)
		return UINT64_MAX;
	return used < limit ? limit - used : 0;
}

/* At 90 %, rounded so that a limit below 10 warns when all is used. */
bool nearly_used(uint64_t limit, uint64_t used) noexcept
{
	return limit && left_of(limit, used) <= limit / 10;
}

} // namespace

void RegionKey::remove() noexcept
{
	removed_ = true;
	secret_.wipe();
}

bool RegionKey::exhausted() const noexcept
{
	return !left_of(limits_.max_bytes, bytes_) ||
	       !left_of(limits_.max_records, records_);
}

void RegionKey::count(size_t bytes) noexcept
{
	if (!limits_.max_bytes && !limits_.max_records)
		return;
	uint64_t all_bytes =
		bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
	uint64_t all_records =
		records_.fetch_add(1, std::memory_order_relaxed) + 1;
	if ((nearly_used(limits_.max_bytes, all_bytes) ||
	     nearly_used(limits_.max_records, all_records)) &&
	    !warned_.exchange(true))
		PMEM_WARN(FI_LOG_MR,
			  "90 %% of what region key %llu may seal is used: add "
			  "a new one and bind it",
			  static_cast<unsigned long long>(id_));
}

uint64_t RegionKey::bytes_left() const noexcept
{
	return exhausted() ? 0 : left_of(limits_.max_bytes, bytes_);
}

} // namespace ofi_pmem
