/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A provider that lets a NIC access memory pins its pages for as long as the
 * region lives. Linux refuses that for pages that a file system may want to
 * move or write back: -EFAULT for those of its page cache, -EOPNOTSUPP for
 * fsdax (check_vma_flags() in mm/gup.c). Device DAX has no such owner. -ENOMEM
 * is a limit: RLIMIT_MEMLOCK, or what the device's driver takes in one piece.
 */
#include "app/mr_refusal.hh"

#include "app/info_name.hh"
#include "persist/mapping.hh"

#include <rdma/fi_errno.h>

#include <cstring>
#include <sstream>

namespace ofi_pmem
{

namespace
{

bool never_captured(uintptr_t, uintptr_t)
{
	return false;
}

std::string describe(const std::string &provider, const iovec &memory,
		     const std::string &what, int ret)
{
	std::ostringstream text;
	text << "provider " << provider << " cannot register "
	     << memory.iov_base << ", length " << memory.iov_len << what << ": "
	     << fi_strerror(-ret) << " (" << -ret << "): it pins memory, ";
	return text.str();
}

std::string describe_file(const std::string &provider, const iovec &memory,
			  const std::string &file, int ret)
{
	return describe(provider, memory, ", which maps " + file, ret) +
	       "and the kernel does not let pages of a "
	       "file system be pinned; use device DAX (/dev/dax...), or a "
	       "provider that pins nothing, such as tcp";
}

std::string describe_limit(const std::string &provider, const iovec &memory,
			   int ret)
{
	return describe(provider, memory, "", ret) +
	       "which RLIMIT_MEMLOCK (ulimit -l) and the device limit; raise "
	       "the limit, or register less in one piece (Soft-RoCE takes 1 "
	       "GiB)";
}

bool pins_memory(const std::string &provider)
{
	return provider.compare(0, strlen("verbs"), "verbs") == 0;
}

} // namespace

std::string refused_memory(const fi_info &domain, const iovec *iov,
			   size_t count, int ret)
{
	std::string name = domain.fabric_attr->prov_name;
	std::string provider = inner_name(name).value_or(name);
	if (ret == -FI_ENOMEM && count && pins_memory(provider))
		return describe_limit(provider, iov[0], ret);
	if (ret != -FI_EFAULT && ret != -FI_EOPNOTSUPP)
		return {};
	for (size_t i = 0; i < count; i++) {
		auto found = inspect_memory(iov[i].iov_base, iov[i].iov_len,
					    never_captured);
		if (!found.error && !found.file.device_dax)
			return describe_file(provider, iov[i],
					     found.file.segment.path, ret);
	}
	return {};
}

} // namespace ofi_pmem
