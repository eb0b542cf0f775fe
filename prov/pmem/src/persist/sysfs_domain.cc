/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "persist/sysfs_domain.hh"

#include "core/log.hh"

#include <rdma/fi_errno.h>

#include <sys/stat.h>

#include <cerrno>
#include <string>

namespace ofi_pmem
{

namespace
{

void refuse(std::string obstacle, Inspection *found)
{
	found->error = -FI_EINVAL;
	found->obstacle = std::move(obstacle);
	found->file.fd = OwnedFd();
}

std::string device_dax_obstacle(DaxKind kind, const std::string &path)
{
	std::string text =
		std::string("device DAX of ") + to_string(kind) + ", " + path;
	if (kind == DaxKind::host_flush)
		text += " (a sync of a file on a file system there is such a "
			"flush)";
	if (kind == DaxKind::unstated)
		text += " (FI_OFI_PMEM_DOMAIN, or the domain of a declared "
			"region, says it)";
	return text;
}

void judge_device(bool stated, Inspection *found)
{
	DaxKind kind = found->file.dax.kind;
	if (kind == DaxKind::persistent ||
	    (kind == DaxKind::unstated && stated))
		return;
	refuse(device_dax_obstacle(kind, found->file.segment.path), found);
}

void judge_file(bool stated, Inspection *found)
{
	FileMapping &file = found->file;
	switch (file.dax.kind) {
	case DaxKind::persistent:
		return;
	case DaxKind::volatile_memory:
		refuse("a file on volatile memory, " + file.segment.path,
		       found);
		return;
	case DaxKind::unstated:
	case DaxKind::none:
		file.owes_sync = file.map_sync && !stated;
		break;
	case DaxKind::host_flush:
	case DaxKind::read_only:
		file.owes_sync = file.map_sync;
		break;
	}
	if (file.owes_sync)
		PMEM_INFO(FI_LOG_MR,
			  "file %s is mapped with MAP_SYNC and is synced all "
			  "the same: it is in %s, and FI_OFI_PMEM_DOMAIN is "
			  "not set",
			  file.segment.path.c_str(), to_string(file.dax.kind));
}

} // namespace

void judge_dax_memory(DomainChoice administrator,
		      const RegionDeclaration &declared, Inspection *found)
{
	bool stated =
		administrator != DomainChoice::automatic || declared.domain;
	if (found->file.device_dax)
		judge_device(stated, found);
	else
		judge_file(stated, found);
}

void check_dax_memory(DomainChoice administrator,
		      const RegionDeclaration &declared, Inspection *found)
{
	FileMapping &file = found->file;
	struct stat st;
	if (fstat(file.fd.get(), &st)) {
		found->error = -errno;
		found->obstacle =
			file.segment.path + ", whose device is not known";
		found->known = false;
		found->forcible = false;
		return;
	}
	file.dax = file.device_dax
			   ? find_dax_memory(st.st_rdev, DaxDevice::character)
			   : find_dax_memory(st.st_dev, DaxDevice::block);
	judge_dax_memory(administrator, declared, found);
}

std::optional<PersistenceDomain> known_domain(const FileMapping &file,
					      DomainChoice declared)
{
	switch (declared) {
	case DomainChoice::automatic:
		break;
	case DomainChoice::memory_controller:
		return PersistenceDomain::memory_controller;
	case DomainChoice::cpu_cache:
		return PersistenceDomain::cpu_cache;
	case DomainChoice::system:
		return PersistenceDomain::system;
	}
	return file.dax.domain;
}

PersistenceDomain domain_of(const FileMapping &file, DomainChoice declared)
{
	return known_domain(file, declared)
		.value_or(PersistenceDomain::none_forced);
}

} // namespace ofi_pmem
