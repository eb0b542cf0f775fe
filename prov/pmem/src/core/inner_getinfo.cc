/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/inner_getinfo.hh"

#include <cstring>

#include <strings.h>

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

namespace
{

thread_local bool inside = false;

bool is_named(const fi_info &info, const char *name) noexcept
{
	return !strcasecmp(info.fabric_attr->prov_name, name);
}

bool is_layered_on(const fi_info &info, const char *name) noexcept
{
	size_t length = strlen(name);
	const char *full = info.fabric_attr->prov_name;
	return !strncasecmp(full, name, length) && full[length] == ';';
}

using Matches = bool(const fi_info &info, const char *name) noexcept;

bool has_any(const fi_info *list, Matches matches, const char *name) noexcept
{
	for (; list; list = list->next)
		if (matches(*list, name))
			return true;
	return false;
}

/*
 * Asked for "tcp", the core also runs every provider that layers on it. That is
 * what its callers get when tcp alone cannot do what they ask for.
 */
void keep_only(const char *name, fi_info **list) noexcept
{
	auto wanted = has_any(*list, is_named, name) ? is_named : is_layered_on;
	fi_info **link = list;
	while (*link) {
		fi_info *info = *link;
		if (wanted(*info, name)) {
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
