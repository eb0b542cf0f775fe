/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/inner_getinfo.hh"

#include <rdma/fi_errno.h>

#include <strings.h>

namespace ofi_pmem
{

namespace
{

thread_local bool inside = false;

/* If asked for "tcp", the core also runs every provider that layers on it. */
void keep_only(const char *name, fi_info **list) noexcept
{
	fi_info **link = list;
	while (*link) {
		fi_info *info = *link;
		if (!strcasecmp(info->fabric_attr->prov_name, name)) {
			link = &info->next;
			continue;
		}
		*link = info->next;
		info->next = nullptr;
		fi_freeinfo(info);
	}
}

} // namespace

int inner_getinfo(const char *name, uint32_t version, const char *node,
		  const char *service, uint64_t flags, const fi_info *hints,
		  InfoPtr *list) noexcept
{
	fi_info *found = nullptr;
	inside = true;
	int ret = fi_getinfo(version, node, service, flags | kGetinfoInternal,
			     hints, &found);
	inside = false;
	if (ret)
		return ret;
	keep_only(name, &found);
	list->reset(found);
	return found ? 0 : -FI_ENODATA;
}

bool inside_inner_getinfo() noexcept
{
	return inside;
}

} // namespace ofi_pmem
