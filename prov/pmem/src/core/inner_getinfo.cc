/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/inner_getinfo.hh"

#include <strings.h>

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

namespace
{

/*
 * OFI_GETINFO_INTERNAL of libfabric's core (1.17, 2.1 and main agree): without
 * it a FI_PROVIDER filter drops the inner infos.
 */
constexpr uint64_t kGetinfoInternal = 1ULL << 58;

thread_local bool inside = false;

/* Asked for "tcp", the core also runs every provider that layers on it. */
void keep_only(const char *prov_name, fi_info **list) noexcept
{
	fi_info **link = list;
	while (*link) {
		fi_info *info = *link;
		if (!strcasecmp(info->fabric_attr->prov_name, prov_name)) {
			link = &info->next;
			continue;
		}
		*link = info->next;
		info->next = nullptr;
		fi_freeinfo(info);
	}
}

} // namespace

int inner_getinfo(uint32_t version, const char *node, const char *service,
		  uint64_t flags, const fi_info *hints, fi_info **info) noexcept
{
	*info = nullptr;
	inside = true;
	int ret = fi_getinfo(version, node, service, flags | kGetinfoInternal,
			     hints, info);
	inside = false;
	if (ret)
		return ret;
	keep_only(hints->fabric_attr->prov_name, info);
	return *info ? 0 : -FI_ENODATA;
}

bool inside_inner_getinfo() noexcept
{
	return inside;
}

} // namespace ofi_pmem
