/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/inner_getinfo.hh"

#include <strings.h>

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

namespace
{

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
		  uint64_t flags, const fi_info *hints, const char *prov_name,
		  fi_info **info) noexcept
{
	*info = nullptr;
	inside = true;
	int ret = fi_getinfo(version, node, service, flags | kGetinfoInternal,
			     hints, info);
	inside = false;
	if (ret)
		return ret;
	keep_only(prov_name, info);
	return *info ? 0 : -FI_ENODATA;
}

int inner_getinfo(uint32_t version, const char *node, const char *service,
		  uint64_t flags, const fi_info *hints, fi_info **info) noexcept
{
	return inner_getinfo(version, node, service, flags, hints,
			     hints->fabric_attr->prov_name, info);
}

bool inside_inner_getinfo() noexcept
{
	return inside;
}

} // namespace ofi_pmem
