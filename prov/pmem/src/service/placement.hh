/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A service's threads run (FI_OFI_PMEM_SERVICE_CPUS) on the NUMA node of its
 * NIC, or if that is unknown, of its first region's memory. It never runs
 * outside the CPUs that the process may use.
 */
#pragma once

#include "core/params.hh"

#include <hwloc.h>

#include <cstddef>
#include <string>

namespace ofi_pmem
{

/* The service's threads should run near these. */
struct Locality {
	std::string nic; /* an inner domain's name: mlx5_0, eth0, ... */
	const void *memory = nullptr;
	size_t len = 0;
};

/*
 * Chooses CPUs, for any machine. Sets `chosen` to CPUs out of `own`, those of
 * the process. Returns false if the thread's affinity must stay as it is;
 * *reason says why in both cases. `memory` has the NUMA nodes of the memory; it
 * is null or empty if they are unknown. The topology must have been loaded with
 * I/O devices.
 */
bool choose_cpus(hwloc_topology_t topology, const ServiceCpus &wanted,
		 const std::string &nic, hwloc_const_nodeset_t memory,
		 hwloc_const_cpuset_t own, hwloc_cpuset_t chosen,
		 const char **reason);

/* Moves the calling thread. On failure it logs, and the thread stays. */
void place_thread(const ServiceCpus &wanted, const Locality &near) noexcept;

} // namespace ofi_pmem
