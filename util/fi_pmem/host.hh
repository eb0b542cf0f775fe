/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the kernel says of the memory, the file systems and the NICs of this
 * host. Nothing is tried; the root is a parameter for the tests.
 */
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "persist/dax_memory.hh"
#include "rdma_flags.hh"

namespace fi_pmem
{

/* A device DAX, or a block device of the nvdimm subsystem. */
struct MemoryDevice {
	std::string name;
	uint64_t bytes = 0;
	/* sysfs-bus-nvdimm: cpu_cache, memory_controller; empty: not told. */
	std::string domain;
	std::optional<unsigned> node; /* NUMA */
	ofi_pmem::DaxKind kind = ofi_pmem::DaxKind::persistent;

	[[nodiscard]] bool persistent() const
	{
		return kind == ofi_pmem::DaxKind::persistent;
	}
};

/* A mounted file system of a block device. */
struct Mount {
	std::string point;
	std::string type;
	bool dax = false; /* mounted with it: files have no page cache */
	ofi_pmem::DaxKind kind = ofi_pmem::DaxKind::none; /* of its device */

	/* Stores to files reach persistent memory itself. */
	[[nodiscard]] bool persistent() const
	{
		return dax && kind == ofi_pmem::DaxKind::persistent;
	}
};

struct RdmaDevice {
	std::string name;
	std::string state; /* of its first port: ACTIVE, DOWN, ... */
	std::optional<unsigned> node;
	std::optional<RdmaFlags> flags;
};

[[nodiscard]] std::vector<MemoryDevice>
find_memory(const std::string &sysfs = "/sys");

/* Of /proc/self/mountinfo; proc(5). A device counts once. */
[[nodiscard]] std::vector<Mount> find_mounts(std::istream &mountinfo,
					     const std::string &sysfs = "/sys");

[[nodiscard]] std::vector<RdmaDevice>
find_rdma(const std::string &sysfs = "/sys");

/*
 * How far one NUMA node is from another, 10 being itself (ACPI SLIT); nothing
 * where the firmware does not tell.
 */
[[nodiscard]] std::optional<unsigned> numa_distance(unsigned from, unsigned to);

} // namespace fi_pmem
