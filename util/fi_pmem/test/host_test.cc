/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The tool reads what the kernel says, on a host that has everything.
 */
#include "info/host.hh"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace fi_pmem
{

namespace
{

namespace fs = std::filesystem;
using ofi_pmem::DaxKind;

/* A sysfs in files, like that of a machine with two nodes. */
class Host : public ::testing::Test
{
protected:
	Host()
	{
		char name[] = "./host_test.XXXXXX";
		root_ = fs::absolute(mkdtemp(name));
	}
	~Host() override { fs::remove_all(root_); }

	void attribute(const std::string &path, const std::string &value)
	{
		fs::path file = root_ / path;
		fs::create_directories(file.parent_path());
		std::ofstream(file) << value << "\n";
	}

	/* The entry of a bus or a class is a link, as in sysfs. */
	void link(const std::string &from, const std::string &to)
	{
		fs::path entry = root_ / from;
		fs::create_directories(entry.parent_path());
		fs::create_directory_symlink(root_ / to, entry);
	}

	fs::path root_;
};

} // namespace

TEST_F(Host, WithoutAnythingHasNothing)
{
	EXPECT_TRUE(find_memory(root_).empty());
	EXPECT_TRUE(find_rdma(root_).empty());
	EXPECT_TRUE(find_memory("/nonexistent").empty());
}

TEST_F(Host, DeviceDaxHasTheDomainOfItsRegion)
{
	attribute("devices/ndbus0/region0/persistence_domain", "cpu_cache");
	attribute("devices/ndbus0/region0/dax0.0/size", "1073741824");
	attribute("devices/ndbus0/region0/dax0.0/numa_node", "1");
	link("bus/dax/devices/dax0.0", "devices/ndbus0/region0/dax0.0");
	auto found = find_memory(root_);
	ASSERT_EQ(found.size(), 1u);
	EXPECT_EQ(found[0].name, "dax0.0");
	EXPECT_EQ(found[0].bytes, 1073741824u);
	EXPECT_EQ(found[0].domain, "cpu_cache");
	EXPECT_EQ(found[0].node, 1u);
}

/* The provider decides about each by the same rules. */
TEST_F(Host, MemoryThatIsNotPersistentIsToldApart)
{
	attribute("devices/virtio3/ndbus1/provider", "virtio-pmem");
	attribute("devices/virtio3/ndbus1/region1/dax1.0/size", "4096");
	attribute("devices/virtio3/ndbus1/region1/pmem1/size", "8");
	attribute("devices/platform/hmem.0/dax2.0/size", "4096");
	attribute("devices/e820/ndbus2/provider", "e820");
	attribute("devices/e820/ndbus2/region3/pmem3/size", "8");
	link("bus/dax/devices/dax1.0", "devices/virtio3/ndbus1/region1/dax1.0");
	link("bus/dax/devices/dax2.0", "devices/platform/hmem.0/dax2.0");
	link("block/pmem1", "devices/virtio3/ndbus1/region1/pmem1");
	link("block/pmem3", "devices/e820/ndbus2/region3/pmem3");
	auto found = find_memory(root_);
	ASSERT_EQ(found.size(), 4u);
	EXPECT_EQ(found[0].kind, DaxKind::host_flush);
	EXPECT_EQ(found[1].kind, DaxKind::volatile_memory);
	EXPECT_EQ(found[2].kind, DaxKind::host_flush);
	EXPECT_EQ(found[3].kind, DaxKind::unstated);
	for (const auto &one : found)
		EXPECT_FALSE(one.persistent()) << one.name;
}

TEST_F(Host, OnlyDaxOnPersistentMemoryDoesWithoutSync)
{
	attribute("devices/nfit/ndbus0/region0/persistence_domain",
		  "memory_controller");
	attribute("devices/virtio3/ndbus1/provider", "virtio-pmem");
	fs::create_directories(root_ / "devices/nfit/ndbus0/region0/pmem0");
	fs::create_directories(root_ / "devices/virtio3/ndbus1/region1/pmem1");
	link("dev/block/259:0", "devices/nfit/ndbus0/region0/pmem0");
	link("dev/block/259:1", "devices/virtio3/ndbus1/region1/pmem1");
	std::istringstream mountinfo(
		"40 25 259:0 / /mnt/a rw - ext4 /dev/pmem0 rw,dax\n"
		"41 25 259:1 / /mnt/b rw - ext4 /dev/pmem1 rw,dax\n"
		"42 25 259:2 / /mnt/c rw - ext4 /dev/pmem2 rw,dax\n"
		"43 25 259:0 / /mnt/d rw - ext4 /dev/pmem3 rw\n");
	auto found = find_mounts(mountinfo, root_);
	ASSERT_EQ(found.size(), 4u);
	EXPECT_TRUE(found[0].persistent());
	EXPECT_FALSE(found[1].persistent());
	EXPECT_FALSE(found[2].persistent());
	EXPECT_FALSE(found[3].persistent());
}

TEST_F(Host, BlockDevicesOfOtherKindsAreNoMemory)
{
	attribute("block/sda/size", "100");
	attribute("block/pmem0/size", "2048");
	attribute("block/pmem0/device/numa_node", "-1");
	auto found = find_memory(root_);
	ASSERT_EQ(found.size(), 1u);
	EXPECT_EQ(found[0].name, "pmem0");
	EXPECT_EQ(found[0].bytes, 1048576u);
	EXPECT_EQ(found[0].domain, "");
	EXPECT_FALSE(found[0].node);
}

TEST_F(Host, RdmaDevicesHaveTheStateOfTheirPort)
{
	attribute("class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE");
	attribute("class/infiniband/mlx5_0/device/numa_node", "0");
	attribute("class/infiniband/rxe0/ports/1/state", "1: DOWN");
	auto found = find_rdma(root_);
	ASSERT_EQ(found.size(), 2u);
	EXPECT_EQ(found[0].name, "mlx5_0");
	EXPECT_EQ(found[0].state, "ACTIVE");
	EXPECT_EQ(found[0].node, 0u);
	EXPECT_EQ(found[1].state, "DOWN");
	EXPECT_FALSE(found[1].node);
}

TEST(Mounts, AreThoseOfDevicesEachOnce)
{
	std::istringstream mountinfo(
		"22 1 0:20 / /proc rw - proc proc rw\n"
		"25 1 259:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n"
		"30 25 259:2 /srv /srv rw shared:1 master:2 - ext4 /dev/sda2 "
		"rw\n"
		"40 25 259:3 / /mnt/pmem rw - xfs /dev/pmem0 "
		"rw,attr2,dax=always,inode64\n"
		"41 25 259:4 / /mnt/old rw - ext4 /dev/pmem1 rw,dax\n"
		"42 25 259:5 / /mnt/no rw - ext4 /dev/pmem2 rw,dax=never\n"
		"not a line of mountinfo\n");
	auto found = find_mounts(mountinfo);
	ASSERT_EQ(found.size(), 4u);
	EXPECT_EQ(found[0].point, "/");
	EXPECT_EQ(found[0].type, "ext4");
	EXPECT_FALSE(found[0].dax);
	EXPECT_EQ(found[1].point, "/mnt/pmem");
	EXPECT_TRUE(found[1].dax);
	EXPECT_TRUE(found[2].dax);
	EXPECT_FALSE(found[3].dax);
}

TEST(NumaDistance, IsSmallestToItself)
{
	auto distance = numa_distance(0, 0);
	/* A machine with one node need not report distances. */
	if (distance) {
		EXPECT_EQ(*distance, 10u);
	}
	EXPECT_FALSE(numa_distance(0, 99999));
}

} // namespace fi_pmem
