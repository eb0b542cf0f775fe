/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reads what the kernel says about the memory, the file systems and the NICs of
 * this host. Nothing is tried; the root directory is a parameter for the tests.
 */
#pragma once

#include "info/rdma_flags.hh"
#include "persist/dax_memory.hh"

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace fi_pmem
{

/* Describes a device DAX, or a block device of the nvdimm subsystem. */
struct MemoryDevice {
	std::string name;
	uint64_t bytes = 0;
	/*
	 * This is as in sysfs-bus-nvdimm: cpu_cache or memory_controller; empty
	 * if sysfs does not say.
	 */
	std::string domain;
	std::optional<unsigned> node; /* NUMA */
	ofi_pmem::DaxKind kind = ofi_pmem::DaxKind::persistent;

	[[nodiscard]] bool persistent() const
	{
		return kind == ofi_pmem::DaxKind::persistent;
	}
};

/* Describes a mounted file system of a block device. */
struct Mount {
	std::string point;
	std::string type;
	bool dax = false; /* mounted with -o dax: files have no page cache */
	ofi_pmem::DaxKind kind = ofi_pmem::DaxKind::none; /* its device's */

	/* Stores to files reach persistent memory itself. */
	[[nodiscard]] bool persistent() const
	{
		return dax && kind == ofi_pmem::DaxKind::persistent;
	}
};

struct RdmaDevice {
	std::string name;
	std::string state; /* state of its first port: ACTIVE, DOWN, ... */
	std::optional<unsigned> node;
	std::optional<RdmaFlags> flags;
};

[[nodiscard]] std::vector<MemoryDevice>
find_memory(const std::string &sysfs = "/sys");

/* Parses /proc/self/mountinfo, see proc(5). A device counts once. */
[[nodiscard]] std::vector<Mount> find_mounts(std::istream &mountinfo,
					     const std::string &sysfs = "/sys");

[[nodiscard]] std::vector<RdmaDevice>
find_rdma(const std::string &sysfs = "/sys");

/*
 * Returns how far one NUMA node is from another, where 10 is the node itself
 * (ACPI SLIT), or nothing if the firmware does not say.
 */
[[nodiscard]] std::optional<unsigned> numa_distance(unsigned from, unsigned to);

} // namespace fi_pmem
