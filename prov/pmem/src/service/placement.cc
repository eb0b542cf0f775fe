/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/placement.hh"

#include "core/device_name.hh"
#include "core/log.hh"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace ofi_pmem
{

namespace
{

struct Free {
	void operator()(hwloc_topology *topology) const noexcept
	{
		hwloc_topology_destroy(topology);
	}
	void operator()(hwloc_bitmap_s *bitmap) const noexcept
	{
		hwloc_bitmap_free(bitmap);
	}
};
using Topology = std::unique_ptr<hwloc_topology, Free>;
using Bitmap = std::unique_ptr<hwloc_bitmap_s, Free>;

/*
 * Only this much of the memory is asked for its node: hwloc asks for each page.
 */
constexpr size_t kSampleBytes = 1 << 20;

/* These plug-ins of hwloc would start a GPU's run time in the process. */
constexpr const char *kUnwanted[] = {"cuda",	  "nvml",   "rsmi",
				     "levelzero", "opencl", "gl"};

/* Returns null when hwloc knows no such device, or not where it is. */
hwloc_obj_t find_nic(hwloc_topology_t topology, const std::string &nic)
{
	hwloc_obj_t device = nullptr;
	while ((device = hwloc_get_next_osdev(topology, device))) {
		if (device->name && is_of_device(nic, device->name))
			return hwloc_get_non_io_ancestor_obj(topology, device);
	}
	return nullptr;
}

/* Sets `chosen` to all CPUs of the nodes; returns false when there are none. */
bool cpus_of(hwloc_topology_t topology, hwloc_const_nodeset_t nodes,
	     hwloc_cpuset_t chosen)
{
	hwloc_cpuset_from_nodeset(topology, chosen, nodes);
	return !hwloc_bitmap_iszero(chosen);
}

bool all_nodes(hwloc_topology_t topology, hwloc_const_nodeset_t nodes)
{
	return hwloc_bitmap_isincluded(
		hwloc_topology_get_topology_nodeset(topology), nodes);
}

bool choose_near(hwloc_topology_t topology, const std::string &nic,
		 hwloc_const_nodeset_t memory, hwloc_cpuset_t chosen,
		 const char **reason)
{
	if (hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE) < 2) {
		*reason = "there is one NUMA node";
		return false;
	}
	hwloc_obj_t place = find_nic(topology, nic);
	if (place && !all_nodes(topology, place->nodeset) &&
	    cpus_of(topology, place->nodeset, chosen)) {
		*reason = "the NUMA node of the NIC";
		return true;
	}
	if (memory && !hwloc_bitmap_iszero(memory) &&
	    !all_nodes(topology, memory) && cpus_of(topology, memory, chosen)) {
		*reason = "the NUMA node of the memory";
		return true;
	}
	*reason = "the NUMA node of NIC and memory is unknown";
	return false;
}

bool choose_node(hwloc_topology_t topology, unsigned node,
		 hwloc_cpuset_t chosen, const char **reason)
{
	Bitmap nodes(hwloc_bitmap_alloc());
	hwloc_bitmap_only(nodes.get(), node);
	hwloc_obj_t found = hwloc_get_numanode_obj_by_os_index(topology, node);
	bool good = found && cpus_of(topology, nodes.get(), chosen);
	*reason = good ? "the NUMA node asked for"
		       : "there is no such NUMA node with CPUs";
	return good;
}

bool choose(hwloc_topology_t topology, const ServiceCpus &wanted,
	    const std::string &nic, hwloc_const_nodeset_t memory,
	    hwloc_cpuset_t chosen, const char **reason)
{
	switch (wanted.kind) {
	case ServiceCpus::Kind::none:
		*reason = "it is asked to";
		return false;
	case ServiceCpus::Kind::automatic:
		return choose_near(topology, nic, memory, chosen, reason);
	case ServiceCpus::Kind::node:
		return choose_node(topology, wanted.node, chosen, reason);
	case ServiceCpus::Kind::list:
		hwloc_bitmap_zero(chosen);
		for (const auto &range : wanted.cpus)
			hwloc_bitmap_set_range(chosen, range.first,
					       static_cast<int>(range.last));
		*reason = "the CPUs asked for";
		return true;
	}
	return false;
}

/* Loads the NICs only for those who look for one, because finding them takes
 * time. */
Topology load_topology(bool with_nics)
{
	hwloc_topology *made = nullptr;
	if (hwloc_topology_init(&made))
		return nullptr;
	Topology topology(made);
	for (const char *name : kUnwanted)
		hwloc_topology_set_components(
			made, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, name);
	if (with_nics && hwloc_topology_set_io_types_filter(
				 made, HWLOC_TYPE_FILTER_KEEP_ALL))
		return nullptr;
	if (hwloc_topology_load(made))
		return nullptr;
	return topology;
}

/* Does not ask hwloc, which is slow. Returns true also when this is unknown. */
bool has_several_nodes()
{
	namespace fs = std::filesystem;
	std::error_code error;
	size_t nodes = 0;
	fs::directory_iterator at("/sys/devices/system/node", error);
	for (; !error && at != fs::directory_iterator(); at.increment(error)) {
		std::string name = at->path().filename();
		nodes += !name.compare(0, 4, "node") &&
			 name.find_first_not_of("0123456789", 4) == name.npos;
	}
	return error || nodes != 1;
}

/* Returns an empty set if no page of the sample is in memory yet. */
Bitmap nodes_of(hwloc_topology_t topology, const Locality &near)
{
	Bitmap nodes(hwloc_bitmap_alloc());
	if (near.memory &&
	    hwloc_get_area_memlocation(topology, near.memory,
				       std::min(near.len, kSampleBytes),
				       nodes.get(), HWLOC_MEMBIND_BYNODESET))
		hwloc_bitmap_zero(nodes.get());
	return nodes;
}

void log_choice(hwloc_const_cpuset_t chosen, const char *reason)
{
	char *text = nullptr;
	hwloc_bitmap_list_asprintf(&text, chosen);
	PMEM_INFO(FI_LOG_DOMAIN, "persistence service runs on cpus %s, %s",
		  text ? text : "unknown", reason);
	free(text);
}

/* A user who asked for particular CPUs gets a warning. */
void log_stay(const ServiceCpus &wanted, const char *reason)
{
	if (wanted.kind == ServiceCpus::Kind::automatic)
		PMEM_INFO(FI_LOG_DOMAIN,
			  "persistence service is not bound to cpus: %s",
			  reason);
	else
		PMEM_WARN(FI_LOG_DOMAIN,
			  "persistence service is not bound as "
			  "FI_OFI_PMEM_SERVICE_CPUS asks: %s",
			  reason);
}

} // namespace

bool choose_cpus(hwloc_topology_t topology, const ServiceCpus &wanted,
		 const std::string &nic, hwloc_const_nodeset_t memory,
		 hwloc_const_cpuset_t own, hwloc_cpuset_t chosen,
		 const char **reason)
{
	if (!choose(topology, wanted, nic, memory, chosen, reason))
		return false;
	hwloc_bitmap_and(chosen, chosen, own);
	if (!hwloc_bitmap_iszero(chosen))
		return true;
	*reason = "the process may use none of those CPUs";
	return false;
}

void place_thread(const ServiceCpus &wanted, const Locality &near) noexcept
{
	if (wanted.kind == ServiceCpus::Kind::none ||
	    (wanted.kind == ServiceCpus::Kind::automatic &&
	     !has_several_nodes()))
		return;
	Topology topology =
		load_topology(wanted.kind == ServiceCpus::Kind::automatic);
	Bitmap own(hwloc_bitmap_alloc());
	Bitmap chosen(hwloc_bitmap_alloc());
	if (!topology || !own || !chosen ||
	    hwloc_get_cpubind(topology.get(), own.get(),
			      HWLOC_CPUBIND_PROCESS)) {
		log_stay(wanted, "hwloc cannot read the topology");
		return;
	}
	const char *reason = "";
	if (!choose_cpus(topology.get(), wanted, near.nic,
			 nodes_of(topology.get(), near).get(), own.get(),
			 chosen.get(), &reason)) {
		log_stay(wanted, reason);
		return;
	}
	if (hwloc_set_cpubind(topology.get(), chosen.get(),
			      HWLOC_CPUBIND_THREAD))
		log_stay(wanted, fi_strerror(errno));
	else
		log_choice(chosen.get(), reason);
}

} // namespace ofi_pmem
