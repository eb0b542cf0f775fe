/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "info/advice.hh"

#include <algorithm>

namespace fi_pmem
{

namespace
{

/* Says what is wrong with the promise itself. */
void advise_on_domain(const fi_pmem_region_attr &attr,
		      std::vector<std::string> *advice)
{
	switch (attr.domain) {
	case FI_PMEM_DOMAIN_NONE:
		advice->push_back(
			"nothing here survives a power failure: unset "
			"PMEM2_FORCE_GRANULARITY, which is for measuring");
		break;
	case FI_PMEM_DOMAIN_SIMULATED:
		advice->push_back("the power failures are simulated: unset "
				  "FI_OFI_PMEM_BACKEND to get a real medium");
		break;
	case FI_PMEM_DOMAIN_DETECT:
	case FI_PMEM_DOMAIN_MEMORY_CONTROLLER:
	case FI_PMEM_DOMAIN_CPU_CACHE:
	case FI_PMEM_DOMAIN_DEVICE:
	case FI_PMEM_DOMAIN_SYSTEM:
		break;
	}
}

void advise_on_memory(const fi_pmem_region_attr &attr,
		      const std::vector<MemoryDevice> &memory,
		      std::vector<std::string> *advice)
{
	if (attr.granularity != FI_PMEM_GRANULARITY_PAGE)
		return;
	for (const MemoryDevice &one : memory)
		if (one.kind == ofi_pmem::DaxKind::unstated)
			advice->push_back(
				"the kernel does not say what a power failure "
				"leaves of " +
				one.name +
				": if it is persistent, FI_OFI_PMEM_DOMAIN "
				"says so");
	auto best = std::find_if(
		memory.begin(), memory.end(),
		[](const MemoryDevice &one) { return one.persistent(); });
	if (best == memory.end())
		advice->push_back(
			"each commit syncs a block device: persistent memory, "
			"of which this host has none, takes a flush of the "
			"processor's caches instead");
	else
		advice->push_back(
			"each commit syncs a block device: a device DAX (ndctl "
			"create-namespace -m devdax) or a file system mounted "
			"with -o dax on " +
			best->name + " does without");
}

bool has_native_flush(const RdmaDevice &device)
{
	return device.flags && device.flags->flush_persistent;
}

void advise_on_network(const Probe &found,
		       const std::vector<RdmaDevice> &devices,
		       std::vector<std::string> *advice)
{
	if (devices.empty() || found.attr.method == FI_PMEM_METHOD_NATIVE)
		return;
	if (found.provider.find("verbs") == std::string::npos) {
		advice->push_back("there is an RDMA device: -p "
				  "\"verbs;ofi_pmem\", and --bind an address "
				  "of " +
				  devices.front().name);
		return;
	}
	if (std::none_of(devices.begin(), devices.end(), has_native_flush))
		advice->push_back("no RDMA device here has IB FLUSH: one that "
				  "has it commits without the target's "
				  "processor");
}

/* Data of a NIC far from the memory crosses the processors' link. */
void advise_on_nodes(const std::vector<RdmaDevice> &devices,
		     const std::vector<MemoryDevice> &memory,
		     std::vector<std::string> *advice)
{
	for (const RdmaDevice &nic : devices)
		for (const MemoryDevice &to : memory)
			if (to.persistent() && nic.node && to.node &&
			    *nic.node != *to.node)
				advice->push_back(
					nic.name + " and " + to.name +
					" are on different NUMA nodes: memory "
					"on the NIC's node is nearer");
}

} // namespace

std::vector<std::string> advise(const Probe &found,
				const std::vector<RdmaDevice> &devices,
				const std::vector<MemoryDevice> &memory)
{
	std::vector<std::string> advice;
	advise_on_domain(found.attr, &advice);
	advise_on_memory(found.attr, memory, &advice);
	advise_on_network(found, devices, &advice);
	advise_on_nodes(devices, memory, &advice);
	return advice;
}

} // namespace fi_pmem
