/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/plane_counter.hh"

#include <algorithm>

namespace ofi_pmem
{

void PlaneCounter::add_source(fid_cntr *source)
{
	MutexLock guard(sources_lock_);
	sources_.push_back(source);
}

void PlaneCounter::remove_source(fid_cntr *source) noexcept
{
	MutexLock guard(sources_lock_);
	own_ += fi_cntr_read(source);
	own_errors_ += fi_cntr_readerr(source);
	sources_.erase(std::find(sources_.begin(), sources_.end(), source));
}

uint64_t PlaneCounter::sources() noexcept
{
	uint64_t value = 0;
	MutexLock guard(sources_lock_);
	for (fid_cntr *source : sources_)
		value += fi_cntr_read(source);
	return value;
}

uint64_t PlaneCounter::source_errors() noexcept
{
	uint64_t value = 0;
	MutexLock guard(sources_lock_);
	for (fid_cntr *source : sources_)
		value += fi_cntr_readerr(source);
	return value;
}

} // namespace ofi_pmem
