/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How each kind of memory that Linux offers as DAX is recognised, from a sysfs
 * made of files, and what becomes of a region there.
 */
#include "persist/dax_memory.hh"

#include "fixture/persist_fixture.hh"
#include "persist/sysfs_domain.hh"

#include <rdma/fi_errno.h>

#include <sys/sysmacros.h>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

namespace fs = std::filesystem;

constexpr auto kController = PersistenceDomain::memory_controller;
constexpr auto kCaches = PersistenceDomain::cpu_cache;

/* A sysfs in files; paths are relative to its root. */
class FakeSysfs : public testing::Test
{
protected:
	void attribute(const std::string &path, const std::string &value)
	{
		fs::create_directories(root_ / path.substr(0, path.rfind('/')));
		write_file(root_ / path, value + "\n");
	}

	void link(const std::string &from, const std::string &to)
	{
		fs::path entry = root_ / from;
		fs::create_directories(entry.parent_path());
		fs::create_directories(root_ / to);
		fs::create_directory_symlink(
			fs::relative(root_ / to, entry.parent_path()), entry);
	}

	/* Makes a region of the nvdimm subsystem, under `parent`. */
	std::string region(const std::string &parent,
			   const std::string &provider,
			   const std::string &domain, int mappings,
			   const char *devtype = "nd_pmem")
	{
		std::string bus = parent + "/ndbus0";
		std::string region = bus + "/region0";
		attribute(bus + "/provider", provider);
		attribute(region + "/devtype", devtype);
		attribute(region + "/read_only", "0");
		attribute(region + "/mappings", std::to_string(mappings));
		if (!domain.empty())
			attribute(region + "/persistence_domain", domain);
		return region;
	}

	/* Returns the device number, as stat(2) does. */
	dev_t device_dax(const std::string &path)
	{
		link("dev/char/252:" + std::to_string(++minor_), path);
		return makedev(252, minor_);
	}
	dev_t block_device(const std::string &path)
	{
		link("dev/block/259:" + std::to_string(++minor_), path);
		return makedev(259, minor_);
	}
	dev_t volume(const std::string &name,
		     const std::vector<std::string> &parts)
	{
		std::string path = "devices/virtual/block/" + name;
		for (const auto &part : parts)
			link(path + "/slaves/" +
				     fs::path(part).filename().string(),
			     part);
		return block_device(path);
	}

	DaxMemory of_device(dev_t number) const
	{
		return find_dax_memory(number, DaxDevice::character, root_);
	}
	DaxMemory of_block(dev_t number) const
	{
		return find_dax_memory(number, DaxDevice::block, root_);
	}

	void expect_kind(const DaxMemory &found, DaxKind kind) const
	{
		EXPECT_EQ(found.kind, kind) << to_string(found.kind);
		EXPECT_FALSE(found.domain);
	}
	void expect_persistent(const DaxMemory &found,
			       PersistenceDomain domain) const
	{
		EXPECT_EQ(found.kind, DaxKind::persistent)
			<< to_string(found.kind);
		EXPECT_EQ(found.domain, domain);
	}

	TempDir dir_;
	const fs::path root_ = dir_.file("sys");
	unsigned minor_ = 0;
};

constexpr char kNfit[] = "devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00";
constexpr char kCxl[] = "devices/platform/ACPI0017:00/root0";

} // namespace

TEST_F(FakeSysfs, NvdimmHasTheDomainOfItsRegion)
{
	auto adr = region(kNfit, "ACPI.NFIT", "memory_controller", 1);
	expect_persistent(of_device(device_dax(adr + "/dax0.1/dax0.0")),
			  kController);
	auto eadr = region("devices/eadr", "ACPI.NFIT", "cpu_cache", 2);
	expect_persistent(of_device(device_dax(eadr + "/dax1.1/dax1.0")),
			  kCaches);
	auto disk = eadr + "/pfn1.1/block/pmem1";
	attribute(disk + "/pmem1p1/partition", "1");
	expect_persistent(of_block(block_device(disk)), kCaches);
	expect_persistent(of_block(block_device(disk + "/pmem1p1")), kCaches);
}

/* The kernel assumes ADR of it: see has_nvdimms(). */
TEST_F(FakeSysfs, NvdimmWhoseFirmwareDoesNotSayIsAdr)
{
	auto quiet = region(kNfit, "ACPI.NFIT", "", 1);
	expect_persistent(of_device(device_dax(quiet + "/dax0.1/dax0.0")),
			  kController);
}

TEST_F(FakeSysfs, RangeOfTheNfitWithoutNvdimmsIsNot)
{
	auto bare = region(kNfit, "ACPI.NFIT", "", 0);
	expect_kind(of_device(device_dax(bare + "/dax0.1/dax0.0")),
		    DaxKind::unstated);
}

TEST_F(FakeSysfs, DomainOfAnotherNameIsNotAdr)
{
	auto odd = region(kNfit, "ACPI.NFIT", "nothing_at_all", 1);
	expect_kind(of_device(device_dax(odd + "/dax0.1/dax0.0")),
		    DaxKind::unstated);
}

/* QEMU's option unarmed=on makes such a one. */
TEST_F(FakeSysfs, ReadOnlyNvdimmKeepsNothing)
{
	auto unarmed = region(kNfit, "ACPI.NFIT", "memory_controller", 1);
	attribute(unarmed + "/read_only", "1");
	expect_kind(of_device(device_dax(unarmed + "/dax0.1/dax0.0")),
		    DaxKind::read_only);
}

TEST_F(FakeSysfs, VirtioPmemNeedsAFlushByTheHost)
{
	auto paravirtual = region("devices/pci0000:00/0000:00:05.0/virtio3",
				  "virtio-pmem", "", 0);
	expect_kind(of_device(device_dax(paravirtual + "/dax1.1/dax1.0")),
		    DaxKind::host_flush);
	expect_kind(of_block(block_device(paravirtual + "/pfn1.1/block/pmem1")),
		    DaxKind::host_flush);
	/* Whatever it may say one day. */
	attribute(paravirtual + "/persistence_domain", "memory_controller");
	expect_kind(of_device(device_dax(paravirtual + "/dax1.1/dax1.0")),
		    DaxKind::host_flush);
}

TEST_F(FakeSysfs, HypervisorOfPowerMayWantAFlushToo)
{
	const std::string platform =
		"devices/ibm,persistent-memory/ibm,pmemory@1";
	auto scm = region(platform, "ibm,persistent-memory:ibm,pmemory@1",
			  "memory_controller", 1);
	dev_t device = device_dax(scm + "/dax0.1/dax0.0");
	expect_persistent(of_device(device), kController);
	attribute("firmware/devicetree/pmemory@1/ibm,hcall-flush-required", "");
	link(platform + "/of_node", "firmware/devicetree/pmemory@1");
	expect_kind(of_device(device), DaxKind::host_flush);
}

/*
 * memmap=nn!ss on the kernel's command line makes it, or firmware before ACPI
 * 6.0.
 */
TEST_F(FakeSysfs, MemoryOfTheE820MapIsNotStatedToBePersistent)
{
	auto e820 = region("devices/platform/e820_pmem", "e820", "", 0);
	expect_kind(of_device(device_dax(e820 + "/dax0.1/dax0.0")),
		    DaxKind::unstated);
	expect_kind(of_block(block_device(e820 + "/pfn0.1/block/pmem0")),
		    DaxKind::unstated);
}

TEST_F(FakeSysfs, CxlPmemHasTheDomainOfItsRegion)
{
	auto cxl = region(std::string(kCxl) + "/nvdimm-bridge0", "CXL",
			  "memory_controller", 1);
	expect_persistent(of_device(device_dax(cxl + "/dax0.1/dax0.0")),
			  kController);
}

TEST_F(FakeSysfs, CxlRamIsVolatile)
{
	expect_kind(
		of_device(device_dax(std::string(kCxl) +
				     "/decoder0.0/region0/dax_region0/dax0.0")),
		DaxKind::volatile_memory);
}

TEST_F(FakeSysfs, SoftReservedMemoryIsVolatile)
{
	expect_kind(of_device(device_dax("devices/platform/hmem.0/dax0.0")),
		    DaxKind::volatile_memory);
}

/* Its region has the domain of the platform all the same. */
TEST_F(FakeSysfs, VolatileRangeOfTheNfitIsVolatile)
{
	auto ram = region(kNfit, "ACPI.NFIT", "memory_controller", 1,
			  "nd_volatile");
	expect_kind(of_device(device_dax(ram + "/dax0.1/dax0.0")),
		    DaxKind::volatile_memory);
	expect_kind(of_block(block_device(ram + "/pfn0.1/block/pmem0")),
		    DaxKind::volatile_memory);
}

TEST_F(FakeSysfs, OtherDisksAndUnknownDevicesAreNone)
{
	expect_kind(of_block(block_device("devices/pci0000:00/nvme0/nvme0n1")),
		    DaxKind::none);
	expect_kind(of_block(makedev(0, 42)), DaxKind::none);
	expect_kind(of_device(makedev(252, 4242)), DaxKind::none);
	expect_kind(of_block(volume("dm-0", {})), DaxKind::none);
}

TEST_F(FakeSysfs, VolumeIsWhatItsWeakestPartIs)
{
	auto adr = region(kNfit, "ACPI.NFIT", "memory_controller", 1) +
		   "/pfn0.1/block/pmem0";
	auto eadr = region("devices/eadr", "ACPI.NFIT", "cpu_cache", 1) +
		    "/pfn1.1/block/pmem1";
	auto host = region("devices/virtio3", "virtio-pmem", "", 0) +
		    "/pfn2.1/block/pmem2";
	auto ram = region("devices/ram", "ACPI.NFIT", "", 1, "nd_volatile") +
		   "/pfn3.1/block/pmem3";
	expect_persistent(of_block(volume("dm-0", {eadr})), kCaches);
	expect_persistent(of_block(volume("dm-1", {eadr, adr})), kController);
	expect_kind(of_block(volume("dm-2", {adr, host})), DaxKind::host_flush);
	expect_kind(of_block(volume("dm-3", {ram, host, adr})),
		    DaxKind::volatile_memory);
	expect_kind(of_block(volume("dm-4", {adr, "devices/nvme0/nvme0n1"})),
		    DaxKind::none);
	/* A volume of volumes, and a partition of one. */
	expect_kind(of_block(volume("dm-5", {"devices/virtual/block/dm-0",
					     "devices/virtual/block/dm-2"})),
		    DaxKind::host_flush);
	const std::string partition = "devices/virtual/block/dm-1/dm-1p1";
	attribute(partition + "/partition", "1");
	expect_persistent(of_block(block_device(partition)), kController);
	/* One that is said to be its own part ends, too. */
	expect_kind(of_block(volume("dm-6", {"devices/virtual/block/dm-6"})),
		    DaxKind::none);
}

namespace
{

enum class Memory { device_dax, map_sync, file };

struct Judgement {
	Memory memory;
	DaxKind kind;
	bool stated;
	const char *refused; /* part of the text; null: taken */
	bool owes_sync;
};

constexpr auto kDevice = Memory::device_dax;
constexpr auto kSync = Memory::map_sync;
constexpr auto kPlain = Memory::file;

const Judgement kJudgements[] = {
	{kDevice, DaxKind::persistent, false, nullptr, false},
	{kDevice, DaxKind::unstated, false, "FI_OFI_PMEM_DOMAIN", false},
	{kDevice, DaxKind::unstated, true, nullptr, false},
	{kDevice, DaxKind::host_flush, false, "device DAX of virtio-pmem",
	 false},
	{kDevice, DaxKind::host_flush, true, "virtio-pmem", false},
	{kDevice, DaxKind::read_only, true, "read-only NVDIMM", false},
	{kDevice, DaxKind::volatile_memory, false,
	 "device DAX of volatile memory", false},
	{kDevice, DaxKind::volatile_memory, true,
	 "device DAX of volatile memory", false},
	{kDevice, DaxKind::none, true, "device DAX of unknown memory", false},
	{kSync, DaxKind::persistent, false, nullptr, false},
	{kSync, DaxKind::unstated, false, nullptr, true},
	{kSync, DaxKind::unstated, true, nullptr, false},
	{kSync, DaxKind::host_flush, true, nullptr, true},
	{kSync, DaxKind::read_only, true, nullptr, true},
	{kSync, DaxKind::volatile_memory, true, "a file on volatile memory",
	 false},
	{kSync, DaxKind::none, false, nullptr, true},
	{kSync, DaxKind::none, true, nullptr, false},
	{kPlain, DaxKind::none, false, nullptr, false},
	{kPlain, DaxKind::persistent, false, nullptr, false},
	{kPlain, DaxKind::host_flush, false, nullptr, false},
	{kPlain, DaxKind::volatile_memory, false, "a file on volatile memory",
	 false},
};

} // namespace

TEST(DaxMemory, IsJudgedByWhatIsKnownAndStated)
{
	for (const Judgement &row : kJudgements) {
		for (bool by_administrator : {false, true}) {
			Inspection found;
			RegionDeclaration declared;
			auto administrator = DomainChoice::automatic;
			if (row.stated && by_administrator)
				administrator = DomainChoice::memory_controller;
			else if (row.stated)
				declared.domain = kController;
			found.file.dax.kind = row.kind;
			found.file.device_dax = row.memory == kDevice;
			found.file.map_sync = row.memory == kSync;
			judge_dax_memory(administrator, declared, &found);
			auto index = &row - kJudgements;
			EXPECT_EQ(found.error, row.refused ? -FI_EINVAL : 0)
				<< "row " << index;
			EXPECT_NE(found.obstacle.find(row.refused ? row.refused
								  : ""),
				  std::string::npos)
				<< "row " << index << ": " << found.obstacle;
			EXPECT_EQ(found.file.owes_sync, row.owes_sync)
				<< "row " << index;
			EXPECT_TRUE(found.forcible);
		}
	}
}

/* An unknown domain is not even assumed to be weak. */
TEST(DaxMemory, DomainIsDeclaredOrKnown)
{
	FileMapping file;
	EXPECT_EQ(domain_of(file, DomainChoice::automatic),
		  PersistenceDomain::none_forced);
	EXPECT_EQ(domain_of(file, DomainChoice::memory_controller),
		  kController);
	EXPECT_EQ(domain_of(file, DomainChoice::system),
		  PersistenceDomain::system);
	file.dax = {DaxKind::persistent, kCaches};
	EXPECT_EQ(domain_of(file, DomainChoice::automatic), kCaches);
	EXPECT_EQ(domain_of(file, DomainChoice::memory_controller),
		  kController);
}
