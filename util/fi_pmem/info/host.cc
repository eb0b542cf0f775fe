/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * sysfs: Documentation/ABI/testing/sysfs-bus-dax, sysfs-bus-nvdimm and
 * stable/sysfs-class-infiniband of the kernel.
 */
#include "info/host.hh"

#include <hwloc.h>

#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace fi_pmem
{

namespace
{

namespace fs = std::filesystem;

/* Returns the first line of an attribute; empty if there is none. */
std::string attribute(const fs::path &path)
{
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	return line;
}

template <typename Number> std::optional<Number> number(const fs::path &path)
{
	std::istringstream text(attribute(path));
	long long value = -1;
	if (!(text >> value) || value < 0)
		return std::nullopt;
	return static_cast<Number>(value);
}

/* Returns the entries of a directory by name; none if it does not exist. */
std::vector<fs::path> entries(const fs::path &directory)
{
	std::error_code failure;
	std::vector<fs::path> found;
	for (const auto &entry : fs::directory_iterator(directory, failure))
		found.push_back(entry.path());
	std::sort(found.begin(), found.end());
	return found;
}

/*
 * Returns the attribute of the device, or of the device that it is a part of.
 */
std::string domain_of(const fs::path &device)
{
	std::error_code failure;
	fs::path at = fs::canonical(device, failure);
	for (; !failure && at.has_relative_path(); at = at.parent_path()) {
		std::string domain = attribute(at / "persistence_domain");
		if (!domain.empty())
			return domain;
	}
	return "";
}

/* `numbers` are those of the device below a mount, such as "259:3". */
ofi_pmem::DaxKind kind_of_mount(const std::string &numbers,
				const std::string &sysfs)
{
	unsigned major = 0, minor = 0;
	char colon = 0;
	std::istringstream text(numbers);
	text >> major >> colon >> minor;
	return ofi_pmem::find_dax_memory(makedev(major, minor),
					 ofi_pmem::DaxDevice::block, sysfs)
		.kind;
}

MemoryDevice describe(const fs::path &path, ofi_pmem::DaxDevice device)
{
	MemoryDevice found;
	found.name = path.filename();
	found.domain = domain_of(path);
	found.kind = ofi_pmem::find_dax_memory(path, device).kind;
	return found;
}

struct TopologyDestroy {
	void operator()(hwloc_topology *topology) const
	{
		hwloc_topology_destroy(topology);
	}
};
using Topology = std::unique_ptr<hwloc_topology, TopologyDestroy>;

Topology load_topology()
{
	hwloc_topology_t topology = nullptr;
	if (hwloc_topology_init(&topology))
		return nullptr;
	Topology owned(topology);
	return hwloc_topology_load(topology) ? nullptr : std::move(owned);
}

} // namespace

std::vector<MemoryDevice> find_memory(const std::string &sysfs)
{
	constexpr uint64_t kSector = 512;
	std::vector<MemoryDevice> found;
	for (const fs::path &path :
	     entries(fs::path(sysfs) / "bus/dax/devices")) {
		MemoryDevice one =
			describe(path, ofi_pmem::DaxDevice::character);
		one.bytes = number<uint64_t>(path / "size").value_or(0);
		one.node = number<unsigned>(path / "numa_node");
		found.push_back(one);
	}
	for (const fs::path &path : entries(fs::path(sysfs) / "block")) {
		if (path.filename().string().rfind("pmem", 0))
			continue;
		MemoryDevice one = describe(path, ofi_pmem::DaxDevice::block);
		one.bytes =
			number<uint64_t>(path / "size").value_or(0) * kSector;
		one.node = number<unsigned>(path / "device/numa_node");
		found.push_back(one);
	}
	return found;
}

/*
 * 36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/pmem0 rw,dax=always
 * with any number of fields before the dash.
 */
std::vector<Mount> find_mounts(std::istream &mountinfo,
			       const std::string &sysfs)
{
	std::vector<Mount> found;
	std::set<std::string> seen;
	std::string line;
	while (std::getline(mountinfo, line)) {
		size_t dash = line.find(" - ");
		if (dash == line.npos)
			continue;
		std::istringstream before(line);
		std::istringstream after(line.substr(dash + 3));
		std::string skipped, numbers, device, options;
		Mount mount;
		before >> skipped >> skipped >> numbers >> skipped >>
			mount.point;
		after >> mount.type >> device >> options;
		if (device.rfind("/dev/", 0) || !seen.insert(device).second)
			continue;
		mount.dax = (options + ",").find("dax,") != options.npos ||
			    options.find("dax=always") != options.npos;
		mount.kind = kind_of_mount(numbers, sysfs);
		found.push_back(mount);
	}
	return found;
}

std::vector<RdmaDevice> find_rdma(const std::string &sysfs)
{
	std::vector<RdmaDevice> found;
	for (const fs::path &path :
	     entries(fs::path(sysfs) / "class/infiniband")) {
		/* "4: ACTIVE" */
		std::string state = attribute(path / "ports/1/state");
		size_t space = state.find(' ');
		found.push_back(
			{path.filename(),
			 space == state.npos ? state : state.substr(space + 1),
			 number<unsigned>(path / "device/numa_node"),
			 rdma_flags(path.filename())});
	}
	return found;
}

std::optional<unsigned> numa_distance(unsigned from, unsigned to)
{
	static const Topology topology = load_topology();
	if (!topology)
		return std::nullopt;
	hwloc_distances_s *distances = nullptr;
	unsigned count = 1;
	if (hwloc_distances_get_by_type(
		    topology.get(), HWLOC_OBJ_NUMANODE, &count, &distances,
		    HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) ||
	    !count)
		return std::nullopt;
	auto node = [&](unsigned index) {
		return hwloc_get_numanode_obj_by_os_index(topology.get(),
							  index);
	};
	hwloc_uint64_t there = 0, back = 0;
	int ret = hwloc_distances_obj_pair_values(distances, node(from),
						  node(to), &there, &back);
	hwloc_distances_release(topology.get(), distances);
	if (ret)
		return std::nullopt;
	return static_cast<unsigned>(there);
}

} // namespace fi_pmem
