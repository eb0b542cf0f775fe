/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/dirty_tracker.hh"

#include <algorithm>

namespace ofi_pmem
{

bool DirtyTracker::add_service(const wire::Range *ranges, size_t count) noexcept
{
	return std::all_of(
		ranges, ranges + count,
		[&](const wire::Range &range) { return service_.add(range); });
}

bool DirtyTracker::add_nic(const wire::Range &range) noexcept
{
	return nic_.add(range);
}

void DirtyTracker::sent(const Request &request) noexcept
{
	if (request.drains && request.fence)
		requested_ = failed_ = false;
	else if (request.type != wire::Type::resolve)
		requested_ = true;
	if (request.type == wire::Type::flush)
		unseen_ = false;
}

bool DirtyTracker::leave_to_service(uint64_t token) noexcept
{
	wire::Range written = nic_.bounds(token);
	if (!written.length)
		return true;
	nic_.remove(written);
	restart_drain();
	return service_.add(written);
}

void DirtyTracker::forget(const wire::Range &range) noexcept
{
	service_.remove(range);
	nic_.remove(range);
	restart_drain();
}

} // namespace ofi_pmem
