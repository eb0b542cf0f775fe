/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Walks up sysfs, from the device of a file or of device DAX to the nvdimm
 * region (kernel: Documentation/ABI/testing/sysfs-bus-nvdimm). Volumes put
 * together by the device mapper have no such parent.
 */
#include "config.h"

#include "persist/sysfs_domain.hh"

#include <climits>
#include <cstdlib>
#include <fstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace ofi_pmem
{

std::optional<PersistenceDomain> read_domain(const std::string &device)
{
	char real[PATH_MAX];
	if (!realpath(device.c_str(), real))
		return std::nullopt;
	std::string directory = real;
	while (directory.size() > 1) {
		std::ifstream attribute(directory + "/persistence_domain");
		std::string value;
		if (attribute >> value)
			return value == "cpu_cache"
				       ? PersistenceDomain::cpu_cache
				       : PersistenceDomain::memory_controller;
		directory.resize(directory.rfind('/'));
	}
	return std::nullopt;
}

namespace
{

std::optional<PersistenceDomain> detect_domain(const FileMapping &file)
{
	struct stat st;
	if (fstat(file.fd.get(), &st))
		return std::nullopt;
	dev_t device = file.device_dax ? st.st_rdev : st.st_dev;
	return read_domain(std::string("/sys/dev/") +
			   (file.device_dax ? "char/" : "block/") +
			   std::to_string(major(device)) + ":" +
			   std::to_string(minor(device)));
}

} // namespace

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
	return detect_domain(file);
}

PersistenceDomain domain_of(const FileMapping &file, DomainChoice declared)
{
	return known_domain(file, declared)
		.value_or(PersistenceDomain::memory_controller);
}

} // namespace ofi_pmem
