/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where the service thread goes, on a machine that exists only as a
 * description: two NUMA nodes of two CPUs each; mlx5_0 and eth0 are on node 1.
 */
#include "service/placement.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace ofi_pmem::test
{

namespace
{

constexpr char kMachine[] = R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0x0000000f"
  complete_cpuset="0x0000000f" allowed_cpuset="0x0000000f"
  nodeset="0x00000003" complete_nodeset="0x00000003"
  allowed_nodeset="0x00000003" gp_index="1">
  <object type="Package" os_index="0" cpuset="0x00000003"
   complete_cpuset="0x00000003" nodeset="0x00000001"
   complete_nodeset="0x00000001" gp_index="2">
   <object type="NUMANode" os_index="0" cpuset="0x00000003"
    complete_cpuset="0x00000003" nodeset="0x00000001"
    complete_nodeset="0x00000001" gp_index="3" local_memory="1048576"/>
   <object type="PU" os_index="0" cpuset="0x00000001"
    complete_cpuset="0x00000001" nodeset="0x00000001"
    complete_nodeset="0x00000001" gp_index="4"/>
   <object type="PU" os_index="1" cpuset="0x00000002"
    complete_cpuset="0x00000002" nodeset="0x00000001"
    complete_nodeset="0x00000001" gp_index="5"/>
  </object>
  <object type="Package" os_index="1" cpuset="0x0000000c"
   complete_cpuset="0x0000000c" nodeset="0x00000002"
   complete_nodeset="0x00000002" gp_index="6">
   <object type="NUMANode" os_index="1" cpuset="0x0000000c"
    complete_cpuset="0x0000000c" nodeset="0x00000002"
    complete_nodeset="0x00000002" gp_index="7" local_memory="1048576"/>
   <object type="PU" os_index="2" cpuset="0x00000004"
    complete_cpuset="0x00000004" nodeset="0x00000002"
    complete_nodeset="0x00000002" gp_index="8"/>
   <object type="PU" os_index="3" cpuset="0x00000008"
    complete_cpuset="0x00000008" nodeset="0x00000002"
    complete_nodeset="0x00000002" gp_index="9"/>
   <object type="Bridge" gp_index="10" bridge_type="0-1" depth="0"
    bridge_pci="0000:[80-81]">
    <object type="PCIDev" gp_index="11" pci_busid="0000:81:00.0"
     pci_type="0200 [15b3:1017] [15b3:0020] 00" pci_link_speed="0.000000">
     <object type="OSDev" gp_index="12" name="mlx5_0" osdev_type="3"/>
     <object type="OSDev" gp_index="13" name="eth0" osdev_type="2"/>
    </object>
   </object>
  </object>
 </object>
</topology>
)";

ServiceCpus wanted(const char *text)
{
	ServiceCpus value;
	EXPECT_TRUE(parse_service_cpus(text, &value)) << text;
	return value;
}

} // namespace

class Placement : public ::testing::Test
{
protected:
	void SetUp() override
	{
		ASSERT_EQ(hwloc_topology_init(&topology_), 0);
		ASSERT_EQ(hwloc_topology_set_xmlbuffer(topology_, kMachine,
						       sizeof(kMachine)),
			  0);
		ASSERT_EQ(hwloc_topology_set_io_types_filter(
				  topology_, HWLOC_TYPE_FILTER_KEEP_ALL),
			  0);
		ASSERT_EQ(hwloc_topology_load(topology_), 0);
		hwloc_bitmap_list_sscanf(own_, "0-3");
	}

	void TearDown() override
	{
		hwloc_topology_destroy(topology_);
		hwloc_bitmap_free(own_);
		hwloc_bitmap_free(memory_);
	}

	/* The CPUs as a list; "stay" when the affinity is left alone. */
	std::string choose(const char *text, const char *nic)
	{
		hwloc_bitmap_t chosen = hwloc_bitmap_alloc();
		const char *reason = nullptr;
		std::string result = "stay";
		if (choose_cpus(topology_, wanted(text), nic, memory_, own_,
				chosen, &reason)) {
			char list[64];
			hwloc_bitmap_list_snprintf(list, sizeof(list), chosen);
			result = list;
		}
		EXPECT_NE(reason, nullptr);
		hwloc_bitmap_free(chosen);
		return result;
	}

	hwloc_topology_t topology_ = nullptr;
	hwloc_bitmap_t own_ = hwloc_bitmap_alloc();
	hwloc_bitmap_t memory_ = hwloc_bitmap_alloc();
};

TEST_F(Placement, OnTheNodeOfTheNic)
{
	EXPECT_EQ(choose("auto", "mlx5_0"), "2-3");
	EXPECT_EQ(choose("auto", "mlx5_0-xrc"), "2-3");
	EXPECT_EQ(choose("auto", "eth0"), "2-3");
}

TEST_F(Placement, TheNicComesBeforeTheMemory)
{
	hwloc_bitmap_only(memory_, 0);
	EXPECT_EQ(choose("auto", "mlx5_0"), "2-3");
}

TEST_F(Placement, OnTheNodeOfTheMemoryWhenTheNicIsUnknown)
{
	hwloc_bitmap_only(memory_, 0);
	EXPECT_EQ(choose("auto", "lo"), "0-1");
	EXPECT_EQ(choose("auto", "mlx5_01"), "0-1");
}

TEST_F(Placement, StaysWhenNeitherIsKnownOrMemoryIsOnEveryNode)
{
	EXPECT_EQ(choose("auto", "lo"), "stay");
	hwloc_bitmap_set_range(memory_, 0, 1);
	EXPECT_EQ(choose("auto", "lo"), "stay");
}

TEST_F(Placement, WhatIsAskedForComesFirst)
{
	EXPECT_EQ(choose("none", "mlx5_0"), "stay");
	EXPECT_EQ(choose("node:0", "mlx5_0"), "0-1");
	EXPECT_EQ(choose("node:7", "mlx5_0"), "stay");
	EXPECT_EQ(choose("1,3", "mlx5_0"), "1,3");
}

TEST_F(Placement, NeverOutsideTheProcessesCpus)
{
	hwloc_bitmap_list_sscanf(own_, "0-2");
	EXPECT_EQ(choose("auto", "mlx5_0"), "2");
	EXPECT_EQ(choose("0-3", "mlx5_0"), "0-2");
	hwloc_bitmap_list_sscanf(own_, "0-1");
	EXPECT_EQ(choose("auto", "mlx5_0"), "stay");
	EXPECT_EQ(choose("3", "mlx5_0"), "stay");
}

TEST_F(Placement, AMachineWithOneNodeIsLeftAlone)
{
	hwloc_topology_t one = nullptr;
	ASSERT_EQ(hwloc_topology_init(&one), 0);
	ASSERT_EQ(hwloc_topology_set_synthetic(one, "numa:1 core:2 pu:1"), 0);
	ASSERT_EQ(hwloc_topology_load(one), 0);
	std::swap(one, topology_);
	hwloc_bitmap_only(memory_, 0);
	EXPECT_EQ(choose("auto", "mlx5_0"), "stay");
	hwloc_topology_destroy(one);
}

/* On the machine of the test this is the last of the CPUs that it may use. */
TEST(PlaceThread, BindsTheCallingThreadOnly)
{
	cpu_set_t before;
	ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
	unsigned cpu = CPU_SETSIZE - 1;
	while (!CPU_ISSET(cpu, &before))
		cpu--;
	cpu_set_t inside;
	std::thread([&] {
		place_thread(wanted(std::to_string(cpu).c_str()), {});
		sched_getaffinity(0, sizeof(inside), &inside);
	}).join();
	EXPECT_EQ(CPU_COUNT(&inside), 1);
	EXPECT_TRUE(CPU_ISSET(cpu, &inside));
	cpu_set_t after;
	ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
	EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(ServiceCpus, WhatIsNoListIsRefused)
{
	ServiceCpus value;
	for (const char *bad : {"", "some", "node:", "node:-1", "node:1x",
				"3-1", "0,", ",0", "-", "1-", "0-65536", "0 1"})
		EXPECT_FALSE(parse_service_cpus(bad, &value)) << bad;
	EXPECT_EQ(value.kind, ServiceCpus::Kind::automatic);
}

} // namespace ofi_pmem::test
