/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/region_cache.hh"

#include "core/log.hh"
#include "core/params.hh"

#include <cinttypes>

namespace ofi_pmem
{

const RemoteRegion *RegionCache::known(uint64_t token) const noexcept
{
	auto found = regions_.find(token);
	return found != regions_.end() && found->second.known() ? &found->second
								: nullptr;
}

bool RegionCache::accept(uint64_t token, const wire::Region &info,
			 const Features &features)
{
	/* Offsets are added to these addresses later; none may wrap. */
	if (info.length > UINT64_MAX - info.base ||
	    info.length > UINT64_MAX - info.lower_base)
		return false;
	const TransportTraits &traits = transport_.traits();
	MethodDecision decision =
		decide_method(target_traits(info), traits, params().method);
	RemoteRegion &region = regions_[token];
	region.info = info;
	region.settling = &settling_for(decision.method);
	region.reason = decision.reason;
	region.check_by = {};
	if (features.verify)
		region.check_by = preferred_digest(
			params().digests, own_digests() & info.digests);
	region.native_order =
		region.settling->orders(traits) ? kAtomicWriteBytes : 0;
	if (decision.error) {
		refuse(token, {-decision.error, Cause::none});
		PMEM_WARN(FI_LOG_EP_DATA,
			  "FI_OFI_PMEM_METHOD is refused for a region of %s "
			  "port %u: %s",
			  peer_.host().c_str(), peer_.port(), decision.reason);
		return true;
	}
	region.state = RemoteRegion::State::known;
	PMEM_INFO(FI_LOG_EP_DATA,
		  "region of %s port %u length %" PRIu64
		  " has durability method %s: %s",
		  peer_.host().c_str(), peer_.port(), info.length,
		  to_string(decision.method), decision.reason);
	return true;
}

void RegionCache::refuse(uint64_t token, const Failure &failure)
{
	RemoteRegion &region = regions_[token];
	region.state = RemoteRegion::State::refused;
	region.refusal = failure;
}

void RegionCache::forget(uint64_t token)
{
	auto found = regions_.find(token);
	if (found != regions_.end())
		found->second.state = RemoteRegion::State::unknown;
	for (auto it = regions_.begin(); it != regions_.end();) {
		bool unused =
			it->second.state == RemoteRegion::State::unknown &&
			!it->second.users;
		it = unused ? regions_.erase(it) : std::next(it);
	}
}

} // namespace ofi_pmem
