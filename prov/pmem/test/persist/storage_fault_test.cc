/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Disks that fail at the sync: what was not written is never called durable, by
 * no region of that file, and not by the next registration either. And files
 * that are gone from below memory which the CPU stores to.
 */
#include "core/params.hh"
#include "fixture/persist_fixture.hh"
#include "persist/default_backend.hh"
#include "persist/page_backend.hh"

#include <rdma/fi_errno.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

int sync_errors;

/* Fails as the kernel does: only the first sync gets the error. */
int telling_sync(int)
{
	if (!sync_errors)
		return 0;
	sync_errors--;
	errno = EIO;
	return -1;
}

} // namespace

class SharedFileTest : public PersistTest
{
protected:
	void SetUp() override
	{
		PersistTest::SetUp();
		if (!IsSkipped())
			memory_.emplace(len_, MAP_SHARED, fd_.get());
		sync_errors = 0;
	}

	std::unique_ptr<PageBackend> open_region()
	{
		auto found = inspect(*memory_);
		EXPECT_EQ(found.error, 0) << found.obstacle;
		return std::make_unique<PageBackend>(std::move(found.file),
						     telling_sync);
	}

	static int commit(PageBackend &region)
	{
		bool stored = false;
		int ret = region.store_flush(0, "abc", 3, &stored);
		return ret ? ret : region.drain();
	}

	std::optional<Mapped> memory_;
};

TEST_F(SharedFileTest, FailsInAllItsRegionsWhoeverWasTold)
{
	auto told = open_region();
	auto other = open_region();
	ASSERT_EQ(commit(*other), 0);
	sync_errors = 1;
	EXPECT_EQ(commit(*told), -FI_EIO);
	EXPECT_EQ(commit(*other), -FI_EIO);
	EXPECT_EQ(commit(*other), -FI_EIO);
}

TEST_F(SharedFileTest, FailsInRegionsOfOtherNamesAndMappingsToo)
{
	std::string other_name = dir_.file("other");
	ASSERT_EQ(link(path_.c_str(), other_name.c_str()), 0);
	OwnedFd other_fd = open_rw(other_name);
	Mapped other_memory(page_, MAP_SHARED, other_fd.get(),
			    PROT_READ | PROT_WRITE, static_cast<off_t>(page_));
	auto told = open_region();
	auto found = inspect(other_memory);
	ASSERT_EQ(found.error, 0) << found.obstacle;
	PageBackend other(std::move(found.file), telling_sync);
	ASSERT_EQ(commit(other), 0);
	sync_errors = 1;
	EXPECT_EQ(commit(*told), -FI_EIO);
	EXPECT_EQ(commit(other), -FI_EIO);
}

TEST_F(SharedFileTest, StaysFailedWhileAnyOfItsRegionsLives)
{
	auto told = open_region();
	auto other = open_region();
	sync_errors = 1;
	ASSERT_EQ(commit(*told), -FI_EIO);
	told.reset();
	auto later = open_region();
	EXPECT_EQ(later->open(memory_->at()), -FI_EIO);
	EXPECT_EQ(commit(*later), -FI_EIO);
	EXPECT_EQ(commit(*other), -FI_EIO);
}

TEST_F(SharedFileTest, IsSoundForWhoRegistersItAnewWhenAllAreClosed)
{
	auto failed = open_region();
	sync_errors = 1;
	ASSERT_EQ(commit(*failed), -FI_EIO);
	failed.reset();
	auto anew = open_region();
	EXPECT_EQ(anew->open(memory_->at()), 0);
	EXPECT_EQ(commit(*anew), 0);
}

/* Several services drain their regions of one file at the same time. */
TEST_F(SharedFileTest, NobodySucceedsWhoAskedAfterAFailure)
{
	static std::atomic<int> calls;
	static std::atomic<bool> failed;
	calls = 0;
	failed = false;
	auto found = inspect(*memory_);
	ASSERT_EQ(found.error, 0) << found.obstacle;
	auto file = found.file.fd;
	file->sync_by([](int) {
		if (++calls != 50)
			return 0;
		failed = true;
		errno = EIO;
		return -1;
	});
	std::atomic<int> wrong{0};
	std::vector<std::thread> threads;
	for (int i = 0; i < 4; i++) {
		threads.emplace_back([&] {
			for (int n = 0; n < 100; n++) {
				bool before = failed;
				int ret = file->sync();
				wrong += before && !ret;
			}
		});
	}
	for (auto &thread : threads)
		thread.join();
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(calls, 50);
	EXPECT_EQ(file->failure(), -FI_EIO);
}

TEST_F(SharedFileTest, HasOneDescriptorForAllItsRegions)
{
	std::vector<std::unique_ptr<Backend>> regions(100);
	std::string other_name = dir_.file("other");
	ASSERT_EQ(link(path_.c_str(), other_name.c_str()), 0);
	OwnedFd other_fd = open_rw(other_name);
	Mapped other_memory(len_, MAP_SHARED, other_fd.get());
	RegionDeclaration declared;
	declared.fd = fd_.get();
	size_t before = count_descriptors();
	for (size_t i = 0; i < regions.size(); i++) {
		auto &memory = i % 2 ? *memory_ : other_memory;
		RegionMemory region{memory.at(i), 100, false, {}};
		if (i % 3 == 0) {
			region.declared = declared;
			region.declared.offset = i;
		}
		ASSERT_EQ(open_default_backend(region, BackendChoice::pmem2,
					       &regions[i]),
			  0);
	}
	EXPECT_EQ(count_descriptors(), before + 1);
	for (size_t i = 1; i < regions.size(); i++)
		regions[i].reset();
	EXPECT_EQ(count_descriptors(), before + 1);
	bool stored = false;
	EXPECT_EQ(regions[0]->store_flush(0, "abc", 3, &stored), 0);
	EXPECT_EQ(regions[0]->drain(), 0);
	regions[0].reset();
	EXPECT_EQ(count_descriptors(), before);
}

/* Readers come first; a writer has the descriptor changed below them. */
TEST_F(SharedFileTest, IsOpenAsItsStrongestRegionNeeds)
{
	Mapped read_only(len_, MAP_SHARED, fd_.get(), PROT_READ);
	auto reader =
		inspect_memory(read_only.at(), len_, never_captured, {}, false);
	ASSERT_EQ(reader.error, 0) << reader.obstacle;
	auto mode = [&] {
		return fcntl(reader.file.fd.get(), F_GETFL) & O_ACCMODE;
	};
	EXPECT_EQ(mode(), O_RDONLY);
	size_t before = count_descriptors();
	auto writer = inspect(*memory_);
	ASSERT_EQ(writer.error, 0) << writer.obstacle;
	EXPECT_EQ(mode(), O_RDWR);
	EXPECT_EQ(fcntl(reader.file.fd.get(), F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(writer.file.fd.get(), reader.file.fd.get());
	EXPECT_EQ(count_descriptors(), before);
	PageBackend backend(std::move(writer.file));
	EXPECT_EQ(commit(backend), 0);
	auto another =
		inspect_memory(read_only.at(), len_, never_captured, {}, false);
	EXPECT_EQ(mode(), O_RDWR);
}

TEST_F(SharedFileTest, ThatIsReplacedIsAnotherFile)
{
	auto old = inspect(*memory_);
	ASSERT_EQ(old.error, 0) << old.obstacle;
	write_file(dir_.file("new"), initial_);
	ASSERT_EQ(rename(dir_.file("new").c_str(), path_.c_str()), 0);
	OwnedFd fd = open_rw(path_);
	Mapped memory(len_, MAP_SHARED, fd.get());
	auto found = inspect(memory);
	ASSERT_EQ(found.error, 0) << found.obstacle;
	EXPECT_NE(found.file.fd.get(), old.file.fd.get());
	PageBackend region(std::move(found.file));
	ASSERT_EQ(commit(region), 0);
	EXPECT_EQ(memcmp(memory.at(), "abc", 3), 0);
	EXPECT_NE(memcmp(memory_->at(), "abc", 3), 0);
}

TEST_F(SharedFileTest, OfADeclaredDescriptorIsOpenedAnew)
{
	RegionDeclaration declared;
	declared.fd = fd_.get();
	auto found =
		inspect_memory(memory_->at(), len_, never_captured, declared);
	ASSERT_EQ(found.error, 0) << found.obstacle;
	/* Another description has an offset of its own. */
	ASSERT_EQ(lseek(fd_.get(), 7, SEEK_SET), 7);
	EXPECT_EQ(lseek(found.file.fd.get(), 0, SEEK_CUR), 0);
}

/* The process was given a descriptor of a file that it may not open. */
TEST_F(SharedFileTest, OfAForeignDescriptorIsDuplicated)
{
	ASSERT_EQ(fchmod(fd_.get(), 0400), 0);
	int status = run_without_privileges([&] {
		RegionDeclaration declared;
		declared.fd = fd_.get();
		auto found = inspect_memory(memory_->at(), len_, never_captured,
					    declared);
		if (found.error)
			return 3;
		lseek(fd_.get(), 7, SEEK_SET);
		return lseek(found.file.fd.get(), 0, SEEK_CUR) == 7 ? 0 : 4;
	});
	if (exited_with(status, kCannotDrop))
		GTEST_SKIP() << "cannot drop privileges";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

namespace
{

using Clock = std::chrono::steady_clock;

constexpr int kNoDisk = 77;
constexpr int kTooSlow = 78;
constexpr size_t kRegion = 1 << 20;

/*
 * A child mounts an ext4 file system on a loop device, whose image lies sparse
 * on a small tmpfs. When that is full, blocks that are not yet in the image
 * cannot be written: the loop device reports an error. There is no journal, so
 * that the file system survives the errors.
 */
class FaultyDisk
{
public:
	explicit FaultyDisk(const TempDir &dir)
		: below_(dir.file("below")), disk_(dir.file("disk"))
	{
	}

	bool make() const
	{
		std::filesystem::create_directory(below_);
		std::filesystem::create_directory(disk_);
		std::string commands =
			"exec >/dev/null 2>&1; mount -t tmpfs -o size=8m "
			"tmpfs " +
			below_ + " && truncate -s 16m " + below_ +
			"/image && mkfs.ext4 -q -m 0 -O ^has_journal -F " +
			below_ + "/image && mount -o loop " + below_ +
			"/image " + disk_ + " && fallocate -l " +
			std::to_string(kRegion) + " " + file() + " && sync";
		return enter_mount_namespace() && !system(commands.c_str());
	}

	void fail() const
	{
		failing_since_ = Clock::now();
		std::string chunk(1 << 20, 'f');
		OwnedFd fd = open_rw(below_ + "/full");
		while (write(fd.get(), chunk.data(), chunk.size()) > 0)
			;
	}
	/*
	 * Returns false if it failed for so long that the kernel may have
	 * written metadata back by itself, which it does after 30 s, and
	 * reports that loss to us as well.
	 */
	bool mend() const
	{
		std::filesystem::remove(below_ + "/full");
		return Clock::now() - failing_since_ < std::chrono::seconds(20);
	}

	std::string file() const { return disk_ + "/region"; }

	/* Fills the file system itself; ext4 keeps what it could allocate. */
	void fill() const
	{
		OwnedFd fd = open_rw(disk_ + "/full");
		for (off_t len = 1 << 24; len >= 1024; len /= 2) {
			while (!fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, end_,
					  len))
				end_ += len;
		}
	}
	void empty() const { std::filesystem::remove(disk_ + "/full"); }

	/*
	 * Returns whether this is written there, whatever the page cache has.
	 */
	bool has(const std::string &text) const
	{
		return read_file(below_ + "/image").find(text) !=
		       std::string::npos;
	}

private:
	std::string below_;
	std::string disk_;
	mutable off_t end_ = 0;
	mutable Clock::time_point failing_since_;
};

std::unique_ptr<Backend> register_memory(const Mapped &memory)
{
	std::unique_ptr<Backend> backend;
	RegionMemory region{memory.at(), memory.size(), false, {}};
	if (open_default_backend(region, BackendChoice::pmem2, &backend))
		return nullptr;
	return backend;
}

int commit(Backend &backend, const std::string &text, size_t offset = 0)
{
	bool stored = false;
	int ret =
		backend.store_flush(offset, text.data(), text.size(), &stored);
	return ret ? ret : backend.drain();
}

/* A number says where it went wrong. */
int fail_and_register_anew(const FaultyDisk &disk)
{
	constexpr size_t kLost = 3 * 4096;
	const std::string lost = "lost write";
	OwnedFd fd = open_rw(disk.file());
	Mapped memory(kRegion, MAP_SHARED, fd.get());
	auto region = register_memory(memory);
	auto neighbour = register_memory(memory);
	if (!region || !neighbour || commit(*region, "first", 65536) ||
	    !disk.has("first"))
		return 2;
	disk.fail();
	if (!commit(*region, lost, kLost) || disk.has(lost))
		return 3;
	if (!disk.mend())
		return kTooSlow;
	/* A second sync of the lost page would succeed. */
	if (!commit(*region, "second", 65536) ||
	    !commit(*neighbour, "third", 65536) ||
	    !commit(*neighbour, "fourth", 65536))
		return 4;
	/*
	 * It cannot be registered as long as another region of the file is
	 * open.
	 */
	region.reset();
	if (register_memory(memory))
		return 9;
	neighbour.reset();
	/* Visible bytes that were lost become durable, or the commit fails. */
	auto anew = register_memory(memory);
	if (!anew || memcmp(memory.at(kLost), lost.data(), lost.size()))
		return 5;
	if (anew->flush(kLost, 1) || anew->drain())
		return 6;
	if (!disk.has(lost))
		return 7;
	return commit(*anew, "last") || !disk.has("last") ? 8 : 0;
}

/*
 * A program stores by itself and serves readers. Its own sync reports the lost
 * write, and the readers' descriptor does not, before a writer replaces it.
 */
int lose_before_a_writer_comes(const FaultyDisk &disk)
{
	OwnedFd fd = open_rw(disk.file());
	Mapped memory(kRegion, MAP_SHARED, fd.get());
	RegionMemory reading{memory.at(), memory.size(), false,
			     {},	  true,		 false};
	std::unique_ptr<Backend> reader;
	if (open_default_backend(reading, BackendChoice::pmem2, &reader))
		return 2;
	disk.fail();
	memcpy(memory.at(3 * 4096), "lost", 4);
	if (!fdatasync(fd.get()))
		return 3;
	if (!disk.mend())
		return kTooSlow;
	if (fdatasync(fd.get()))
		return 4;
	if (register_memory(memory))
		return 5;
	/* The readers' region is just as bad. */
	return reader->flush(0, 1) || reader->drain() ? 0 : 6;
}

/* Mapped, stored to by the CPU: a hole on a full disk would be SIGBUS. */
int register_holes_on_full_disk(const FaultyDisk &disk)
{
	setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
	OwnedFd fd = open_rw(disk.file() + ".sparse");
	if (ftruncate(fd.get(), kRegion))
		return 2;
	Mapped memory(kRegion, MAP_SHARED, fd.get());
	std::unique_ptr<Backend> backend;
	RegionMemory region{memory.at(), memory.size(), false, {}};
	disk.fill();
	int ret = open_default_backend(region, BackendChoice::pmem2, &backend);
	if (ret != -FI_ENOSPC)
		return 3;
	disk.empty();
	if (open_default_backend(region, BackendChoice::pmem2, &backend))
		return 4;
	disk.fill();
	return commit(*backend, "stored", kRegion - 100) ? 5 : 0;
}

} // namespace

class FaultyDiskTest : public PersistTest
{
protected:
	void expect_in_child(int (*body)(const FaultyDisk &))
	{
		int status = run_in_child([&] {
			FaultyDisk disk(dir_);
			return disk.make() ? body(disk) : kNoDisk;
		});
		if (exited_with(status, kNoDisk))
			GTEST_SKIP() << "cannot mount an ext4 image on a loop "
					"device (needs root, mkfs.ext4 and "
					"loop devices)";
		if (exited_with(status, kTooSlow))
			GTEST_SKIP() << "this machine is too slow";
		EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
	}
};

TEST_F(FaultyDiskTest, LostWriteIsNeverCalledDurable)
{
	expect_in_child(fail_and_register_anew);
}

TEST_F(FaultyDiskTest, LostWriteIsNotForgottenWhenTheFileIsOpenedAnew)
{
	expect_in_child(lose_before_a_writer_comes);
}

TEST_F(FaultyDiskTest, HolesOfStoredToMemoryAreAllocatedOrRefused)
{
	expect_in_child(register_holes_on_full_disk);
}

class ShrunkMemory : public PersistTest
{
};

/* The CPU stores, as to a DAX file, and the file is gone from below it. */
TEST_F(ShrunkMemory, IsAnErrorAndNotASignal)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
		auto backend = register_memory(memory);
		if (!backend || commit(*backend, "abc", 2 * page_))
			return 2;
		if (ftruncate(fd_.get(), static_cast<off_t>(page_)))
			return 3;
		char byte = 'x';
		bool stored = true;
		if (backend->store(2 * page_, &byte, 1) != -FI_EIO)
			return 4;
		if (backend->store_flush(page_ - 1, "ab", 2, &stored) !=
			    -FI_EIO ||
		    stored)
			return 5;
		if (backend->flush(2 * page_, 1) != -FI_EIO)
			return 6;
		if (backend->load(2 * page_, &byte, 1) != -FI_EIO)
			return 7;
		return commit(*backend, "abc", page_ - 3) ? 8 : 0;
	});
	EXPECT_TRUE(exited_with(status, 0)) << status;
}
