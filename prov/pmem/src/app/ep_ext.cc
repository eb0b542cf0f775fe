/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/ep_ext.hh"

#include <algorithm>
#include <cstring>

#include "app/ep.hh"
#include "core/log.hh"

#include <rdma/fi_ext_pmem.h>

namespace ofi_pmem
{

namespace
{

/* What the first version of the header has. */
constexpr size_t kFirstRegionAttr = offsetof(fi_pmem_region_attr, max_length) +
				    sizeof(fi_pmem_region_attr::max_length);

template <typename Theirs, typename Ours>
constexpr bool same(Theirs theirs, Ours ours) noexcept
{
	return static_cast<int>(theirs) == static_cast<int>(ours);
}
static_assert(same(FI_PMEM_METHOD_MESSAGE, Method::message) &&
	      same(FI_PMEM_METHOD_READ, Method::read) &&
	      same(FI_PMEM_METHOD_NATIVE, Method::native) &&
	      same(FI_PMEM_METHOD_ACK, Method::ack));
static_assert(same(FI_PMEM_DOMAIN_NONE, PersistenceDomain::none_forced) &&
	      same(FI_PMEM_DOMAIN_MEMORY_CONTROLLER,
		   PersistenceDomain::memory_controller) &&
	      same(FI_PMEM_DOMAIN_CPU_CACHE, PersistenceDomain::cpu_cache) &&
	      same(FI_PMEM_DOMAIN_DEVICE, PersistenceDomain::device) &&
	      same(FI_PMEM_DOMAIN_SIMULATED, PersistenceDomain::simulated) &&
	      same(FI_PMEM_DOMAIN_SYSTEM, PersistenceDomain::system));
static_assert(same(FI_PMEM_GRANULARITY_BYTE, Granularity::byte) &&
	      same(FI_PMEM_GRANULARITY_CACHE_LINE, Granularity::cache_line) &&
	      same(FI_PMEM_GRANULARITY_PAGE, Granularity::page));

fi_pmem_region_attr describe(const Endpoint &endpoint,
			     const RemoteRegion &region) noexcept
{
	TargetTraits target = target_traits(region.info);
	fi_pmem_region_attr attr{};
	attr.base = region.info.base;
	attr.length = region.info.length;
	attr.access =
		(region.info.access & wire::kRemoteRead ? FI_REMOTE_READ : 0) |
		(region.info.access & wire::kRemoteWrite ? FI_REMOTE_WRITE : 0);
	attr.method = static_cast<fi_pmem_method>(region.method);
	attr.reason = region.reason;
	attr.domain = static_cast<fi_pmem_domain>(target.domain);
	attr.granularity = static_cast<fi_pmem_granularity>(target.granularity);
	attr.failure_atomic = target.failure_atomic;
	attr.native_order = region.native_order;
	attr.max_length = endpoint.info().ep_attr->max_msg_size;
	return attr;
}

int query(fid_ep *ep, fi_addr_t peer, uint64_t key,
	  fi_pmem_region_attr *attr) noexcept
{
	if (!attr || attr->size < kFirstRegionAttr) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "fi_pmem_region_attr size %zu: must be set to its "
			  "sizeof, at least %zu",
			  attr ? attr->size : 0, kFirstRegionAttr);
		return -FI_EINVAL;
	}
	auto &endpoint = *static_cast<Endpoint *>(ep);
	RemoteRegion region;
	int ret = endpoint.plane()->query(peer, key, &region);
	if (ret)
		return ret;
	size_t room = attr->size;
	fi_pmem_region_attr filled = describe(endpoint, region);
	filled.size = std::min(room, sizeof(filled));
	std::memcpy(attr, &filled, filled.size);
	return 0;
}

ssize_t write_ordered(fid_ep *ep, const fi_msg_rma *msg,
		      uint64_t flags) noexcept
{
	if (msg->rma_iov_count != 1) {
		PMEM_WARN(FI_LOG_EP_DATA,
			  "an ordered write of %zu ranges: must be one",
			  msg->rma_iov_count);
		return -FI_EINVAL;
	}
	auto &endpoint = *static_cast<Endpoint *>(ep);
	return endpoint.plane()->submit(
		{msg, flags | FI_FENCE | FI_COMMIT_COMPLETE, true,
		 endpoint.completes(flags), true});
}

fi_ops_pmem_ep ep_ops = {sizeof(ep_ops), query, write_ordered};

} // namespace

int open_ep_extension(const Endpoint &endpoint, uint64_t flags,
		      void **ops) noexcept
{
	if (flags)
		return -FI_EBADFLAGS;
	if (!endpoint.plane()) {
		PMEM_WARN(FI_LOG_EP_CTRL, FI_PMEM_EP_OPS
			  ": the endpoint was opened without FI_RMA_PMEM");
		return -FI_EOPNOTSUPP;
	}
	*ops = &ep_ops;
	return 0;
}

} // namespace ofi_pmem
