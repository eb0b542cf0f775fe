/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Storage that fails below the target: a device that cannot be written at the
 * sync, a DAX file system that is full. Needs disks that fail on command:
 * $PMEM_FABTESTS_DISK, a command such as util/vm/faulty_disk.sh;
 * util/vm/storage_faults.sh runs this in a machine.
 */
#include "common/initiator.hh"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <tuple>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 1 << 20;
constexpr size_t kLen = 9000;
constexpr size_t kSizes[] = {64, 20000};

enum class Fault { error, flakey, journal };

/* The disks of one test. */
class Disks
{
public:
	Disks() : directory_(work_dir() + "/disks") {}

	static bool there() { return getenv("PMEM_FABTESTS_DISK") != nullptr; }

	void control(const std::string &action)
	{
		std::string line = std::string(getenv("PMEM_FABTESTS_DISK")) +
				   ' ' + directory_ + ' ' + action;
		if (system(line.c_str()))
			throw std::runtime_error(line);
	}

	std::string file(const std::string &disk) const
	{
		return directory_ + '/' + disk + "/region";
	}

	/* All its blocks are there, and zero. */
	std::string make_file(const std::string &disk)
	{
		std::string line = "head -c " + std::to_string(kRegionLen) +
				   " /dev/zero >" + file(disk) + " && sync";
		if (system(line.c_str()))
			throw std::runtime_error(line);
		return file(disk);
	}

	Bytes read(const std::string &disk, uint64_t offset, size_t len) const
	{
		std::ifstream in(file(disk), std::ios::binary);
		Bytes bytes(len);
		in.seekg(static_cast<std::streamoff>(offset));
		in.read(reinterpret_cast<char *>(bytes.data()),
			static_cast<std::streamsize>(len));
		bytes.resize(static_cast<size_t>(in.gcount()));
		return bytes;
	}

private:
	std::string directory_;
};

/* Mounted while it lives, whatever becomes of the test. */
class FaultyDisks : public Disks
{
public:
	explicit FaultyDisks(const std::string &options)
	{
		control("make " + options);
	}
	~FaultyDisks()
	{
		try {
			control("remove");
		} catch (const std::exception &) {
		}
	}
};

/* Returns 0 or the error of a commit. */
int commit(Initiator &initiator, const RemoteRegion &region, uint64_t offset,
	   const Bytes &bytes)
{
	LocalBuffer buffer(initiator.node(), bytes);
	fi_context2 context{};
	ssize_t ret = initiator.write(region, offset, buffer,
				      FI_COMMIT_COMPLETE, &context);
	return outcome(initiator, ret, &context).err;
}

using Case = std::tuple<Stack, Fault>;

class PmemDisk : public testing::TestWithParam<Case>
{
protected:
	void SetUp() override
	{
		if (!Disks::there())
			GTEST_SKIP() << "needs PMEM_FABTESTS_DISK, see "
					"util/vm/storage_faults.sh";
		auto [stack, fault] = GetParam();
		bool journal = fault == Fault::journal;
		disks_ = std::make_unique<FaultyDisks>(
			journal ? "" : "-O ^has_journal");
		target_ = std::make_unique<Target>(stack, Memory::page);
		initiator_ = std::make_unique<Initiator>(stack);
		target_->connect(initiator_->node());
		disks_->make_file("faulty");
		disks_->make_file("sound");
	}

	void TearDown() override
	{
		initiator_.reset();
		target_.reset();
		disks_.reset();
	}

	RemoteRegion add(const std::string &disk)
	{
		return target_->add_file(disks_->file(disk), kRegionLen);
	}

	int commit_to(const RemoteRegion &region, uint64_t offset,
		      const Bytes &bytes)
	{
		return commit(*initiator_, region, offset, bytes);
	}

	void fail()
	{
		bool flakey = std::get<Fault>(GetParam()) == Fault::flakey;
		disks_->control(flakey ? "fail flakey" : "fail error");
	}

	/* After this the devices show what is durable. */
	void remount(const RemoteRegion &region, const RemoteRegion &other)
	{
		target_->close_region(region);
		target_->close_region(other);
		disks_->control("remount");
	}

	/* The file system may have given up until it is mounted again. */
	RemoteRegion add_after_fault()
	{
		try {
			return add("faulty");
		} catch (const FabricError &) {
			target_->close_region(sound);
			disks_->control("remount");
			sound = add("sound");
			return add("faulty");
		}
	}

	std::unique_ptr<FaultyDisks> disks_;
	std::unique_ptr<Target> target_;
	std::unique_ptr<Initiator> initiator_;
	RemoteRegion sound;
	const Bytes before = pattern(1, kLen);
	const Bytes lost = pattern(2, kLen);
	const Bytes after = pattern(3, kLen);
};

TEST_P(PmemDisk, FailedSyncFailsAllUntilRegisteredAnew)
{
	RemoteRegion faulty = add("faulty");
	RemoteRegion neighbour = add("faulty"); /* the same file */
	sound = add("sound");
	constexpr uint64_t kSecond = 64 << 10;
	ASSERT_EQ(commit_to(faulty, 0, before), 0);
	ASSERT_EQ(commit_to(neighbour, kSecond, before), 0);
	fail();
	EXPECT_NE(commit_to(faulty, 0, lost), 0);
	EXPECT_NE(commit_to(faulty, 0, lost), 0);
	EXPECT_EQ(commit_to(sound, 0, before), 0);
	disks_->control("mend");
	EXPECT_NE(commit_to(faulty, 0, lost), 0);
	EXPECT_NE(commit_to(faulty, kSecond, lost), 0);
	EXPECT_NE(commit_to(neighbour, kSecond, before), 0);
	EXPECT_NE(commit_to(neighbour, kSecond, before), 0);
	EXPECT_EQ(commit_to(sound, kSecond, before), 0);
	target_->close_region(faulty);
	target_->close_region(neighbour);
	faulty = add_after_fault();
	constexpr uint64_t kThird = 128 << 10;
	EXPECT_EQ(commit_to(faulty, kThird, after), 0);
	remount(faulty, sound);
	EXPECT_EQ(difference(disks_->read("faulty", kSecond, kLen), before),
		  "");
	EXPECT_EQ(difference(disks_->read("faulty", kThird, kLen), after), "");
	EXPECT_EQ(difference(disks_->read("sound", 0, kLen), before), "");
	EXPECT_EQ(difference(disks_->read("sound", kSecond, kLen), before), "");
}

/* The region shows bytes that the device does not have. */
TEST_P(PmemDisk, CommittedReadAfterwardsIsDurable)
{
	RemoteRegion faulty = add("faulty");
	sound = add("sound");
	ASSERT_EQ(commit_to(faulty, 0, before), 0);
	fail();
	EXPECT_NE(commit_to(faulty, 0, lost), 0);
	disks_->control("mend");
	target_->close_region(faulty);
	faulty = add_after_fault();
	Bytes shown = initiator_->read_and_wait(faulty, 0, kLen);
	fi_context2 context{};
	initiator_->expect_success(initiator_->flush(faulty, 0, kLen,
						     FI_PMEM_SELECT_RANGES,
						     &context),
				   &context);
	remount(faulty, sound);
	EXPECT_EQ(difference(disks_->read("faulty", 0, kLen), shown), "");
}

std::string case_name(const testing::TestParamInfo<Case> &info)
{
	const char *names[] = {"error", "flakey", "journal"};
	auto [stack, fault] = info.param;
	return to_string(stack) + '_' + names[static_cast<int>(fault)];
}

INSTANTIATE_TEST_SUITE_P(Faults, PmemDisk,
			 testing::Combine(testing::ValuesIn(kStacks),
					  testing::Values(Fault::error,
							  Fault::flakey,
							  Fault::journal)),
			 case_name);

class PmemDaxFile : public testing::TestWithParam<Stack>
{
protected:
	void SetUp() override
	{
		if (!Disks::there())
			GTEST_SKIP() << "needs PMEM_FABTESTS_DISK, see "
					"util/vm/storage_faults.sh";
		disks_.control("make_dax");
		/* MAP_SYNC decides: nothing is forced. */
		target_ = std::make_unique<Target>(GetParam(), Memory::page);
	}

	RemoteRegion add(uint64_t len)
	{
		RegionRequest request;
		request.map_sync = true;
		return target_->add_file(disks_.file("dax"), len, request);
	}

	Disks disks_;
	std::unique_ptr<Target> target_;
};

TEST_P(PmemDaxFile, OfHolesOnAFullDiskIsNoRegion)
{
	std::string file = disks_.file("dax");
	std::string fill = "truncate -s 4M " + file +
			   " && ! dd if=/dev/zero of=" + file +
			   ".full bs=64k 2>/dev/null";
	ASSERT_EQ(system(fill.c_str()), 0);
	try {
		add(4 << 20);
		ADD_FAILURE() << "it was registered";
	} catch (const FabricError &error) {
		EXPECT_EQ(error.ret(), -FI_ENOSPC);
	}
	target_->ping();
	ASSERT_EQ(system(("rm " + file + ".full").c_str()), 0);
	RemoteRegion region = add(4 << 20);
	Initiator initiator(GetParam());
	target_->connect(initiator.node());
	for (size_t len : kSizes)
		EXPECT_EQ(commit(initiator, region, 1 << 20, pattern(1, len)),
			  0);
}

INSTANTIATE_TEST_SUITE_P(Stacks, PmemDaxFile, testing::ValuesIn(kStacks),
			 CaseName());

} // namespace
