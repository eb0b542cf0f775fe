/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Walks up sysfs, from a device to the region of the nvdimm subsystem that it
 * lies in: .../ndbus0/region0/... (kernel: Documentation/ABI/testing/
 * sysfs-bus-nvdimm). Memory without such a region is volatile: dax_hmem and
 * dax_cxl have none, and all that is persistent has one.
 */
#include "persist/dax_memory.hh"

#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace ofi_pmem
{

namespace
{

namespace fs = std::filesystem;

/* Nested volumes have fewer layers than this. */
constexpr int kMostLayers = 8;

/* Returns the first word of an attribute; empty if there is none. */
std::string attribute(const fs::path &path)
{
	std::ifstream file(path);
	std::string value;
	file >> value;
	return value;
}

bool is_there(const fs::path &path)
{
	std::error_code failure;
	return fs::exists(path, failure);
}

bool is_named(const fs::path &path, const char *name)
{
	return !path.filename().string().rfind(name, 0);
}

/* CXL has regions, too, but not on an ndbus. */
bool is_region(const fs::path &path)
{
	return is_named(path, "region") &&
	       is_named(path.parent_path(), "ndbus");
}

/*
 * These regions have a flush of their own (ND_REGION_ASYNC), which the kernel
 * executes when a file is synced, and never else: virtio-pmem, and memory of
 * POWER's hypervisor that asks for it. The latter calls its domain
 * memory_controller nevertheless.
 */
bool is_flushed_by_host(const fs::path &region)
{
	fs::path bus = region.parent_path();
	return attribute(bus / "provider") == "virtio-pmem" ||
	       is_there(bus.parent_path() / "of_node/ibm,hcall-flush-required");
}

/*
 * If the ACPI NFIT describes the NVDIMMs of a range without saying what is
 * flushed at a power failure, Linux assumes that the memory controller is
 * (nvdimm_has_flush() in drivers/nvdimm/region_devs.c), as on every platform
 * with NVDIMMs before ACPI 6.2 let the firmware say so. Without NVDIMMs it
 * assumes nothing, and warns.
 */
bool has_nvdimms(const fs::path &region)
{
	std::string mappings = attribute(region / "mappings");
	return attribute(region.parent_path() / "provider") == "ACPI.NFIT" &&
	       !mappings.empty() && mappings != "0";
}

DaxMemory read_region(const fs::path &region)
{
	if (attribute(region / "devtype") == "nd_volatile")
		return {DaxKind::volatile_memory, {}};
	if (attribute(region / "read_only") == "1")
		return {DaxKind::read_only, {}};
	if (is_flushed_by_host(region))
		return {DaxKind::host_flush, {}};
	std::string domain = attribute(region / "persistence_domain");
	if (domain == "cpu_cache")
		return {DaxKind::persistent, PersistenceDomain::cpu_cache};
	if (domain == "memory_controller" ||
	    (domain.empty() && has_nvdimms(region)))
		return {DaxKind::persistent,
			PersistenceDomain::memory_controller};
	return {DaxKind::unstated, {}};
}

DaxMemory weaker(const DaxMemory &a, const DaxMemory &b)
{
	if (a.kind != b.kind)
		return std::max(a.kind, b.kind) == a.kind ? a : b;
	return {a.kind, std::min(a.domain, b.domain)};
}

DaxMemory find_below(const fs::path &directory, DaxDevice device, int layers);

/* A partition's parts are those of its disk. */
DaxMemory find_in_parts(const fs::path &disk, int layers)
{
	std::error_code failure;
	fs::path whole =
		is_there(disk / "partition") ? disk.parent_path() : disk;
	std::optional<DaxMemory> found;
	fs::directory_iterator part(whole / "slaves", failure);
	for (; !failure && part != fs::directory_iterator();
	     part.increment(failure)) {
		DaxMemory one =
			find_below(part->path(), DaxDevice::block, layers - 1);
		found = found ? weaker(*found, one) : one;
	}
	return found.value_or(DaxMemory{});
}

DaxMemory find_below(const fs::path &directory, DaxDevice device, int layers)
{
	std::error_code failure;
	fs::path real = fs::canonical(directory, failure);
	if (failure || layers < 0)
		return {};
	for (fs::path at = real; at.has_relative_path(); at = at.parent_path())
		if (is_region(at))
			return read_region(at);
	if (device == DaxDevice::character)
		return {DaxKind::volatile_memory, {}};
	return find_in_parts(real, layers);
}

} // namespace

DaxMemory find_dax_memory(const std::string &directory, DaxDevice device)
{
	return find_below(directory, device, kMostLayers);
}

DaxMemory find_dax_memory(dev_t number, DaxDevice device,
			  const std::string &sysfs)
{
	const char *folder =
		device == DaxDevice::character ? "/dev/char/" : "/dev/block/";
	return find_dax_memory(sysfs + folder + std::to_string(major(number)) +
				       ":" + std::to_string(minor(number)),
			       device);
}

const char *to_string(DaxKind kind) noexcept
{
	switch (kind) {
	case DaxKind::persistent:
		return "persistent memory";
	case DaxKind::unstated:
		return "memory for which nothing says what a power failure "
		       "leaves";
	case DaxKind::host_flush:
		return "virtio-pmem or its kind, whose stores only a flush by "
		       "the host makes durable";
	case DaxKind::read_only:
		return "a read-only NVDIMM, which may not keep what is stored";
	case DaxKind::volatile_memory:
		return "volatile memory";
	case DaxKind::none:
		break;
	}
	return "unknown memory";
}

} // namespace ofi_pmem
