/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* How memory is recognised, and each reason for refusing it. */
#include "persist/mapping.hh"

#include "fixture/persist_fixture.hh"
#include "persist/proc_maps.hh"

#include <rdma/fi_errno.h>

#include <sys/shm.h>
#include <sys/stat.h>

#include <sstream>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

bool has_word(const Inspection &found, const std::string &words)
{
	return found.obstacle.find(words) != std::string::npos;
}

void expect_refused(const Inspection &found, int error,
		    const std::string &words)
{
	EXPECT_EQ(found.error, error);
	EXPECT_TRUE(has_word(found, words)) << found.obstacle;
	EXPECT_FALSE(found.file.fd);
}

} // namespace

class MappingTest : public PersistTest
{
};

TEST_F(MappingTest, SharedFileMappingIsPersistent)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto found =
		inspect_memory(memory.at(page_ + 100), 200, never_captured);
	EXPECT_EQ(found.error, 0) << found.obstacle;
	EXPECT_EQ(found.file.offset, page_ + 100);
	EXPECT_EQ(found.file.file_size, len_);
	EXPECT_EQ(found.file.segment.path, path_);
	EXPECT_FALSE(found.file.device_dax);
	EXPECT_FALSE(found.file.map_sync);
	char byte = 'x';
	EXPECT_EQ(pwrite(found.file.fd.get(), &byte, 1, 0), 1);
	EXPECT_EQ(*memory.at(), 'x');
}

TEST_F(MappingTest, FileOffsetOfTheMappingCounts)
{
	Mapped memory(2 * page_, MAP_SHARED, fd_.get(), PROT_READ | PROT_WRITE,
		      static_cast<off_t>(page_));
	auto found = inspect_memory(memory.at(page_), page_, never_captured);
	EXPECT_EQ(found.error, 0) << found.obstacle;
	EXPECT_EQ(found.file.offset, 2 * page_);
}

TEST_F(MappingTest, MappingSplitByProtectionIsOneFile)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	ASSERT_EQ(mprotect(memory.at(page_), page_,
			   PROT_READ | PROT_WRITE | PROT_EXEC),
		  0);
	auto begin = reinterpret_cast<uintptr_t>(memory.at());
	std::vector<MapSegment> segments;
	ASSERT_EQ(read_map(begin, begin + len_, &segments), 0);
	ASSERT_EQ(segments.size(), 3u);
	auto found = inspect(memory);
	EXPECT_EQ(found.error, 0) << found.obstacle;
	EXPECT_EQ(found.file.protection, PROT_READ | PROT_WRITE);
}

TEST_F(MappingTest, NeighbourPartsInWrongOrderAreRefused)
{
	Mapped memory(2 * page_, MAP_SHARED, fd_.get());
	ASSERT_NE(mmap(memory.at(page_), page_, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd_.get(), 0),
		  MAP_FAILED);
	expect_refused(inspect(memory), -FI_EINVAL, "one contiguous part");
}

TEST_F(MappingTest, TwoFilesAreRefused)
{
	write_file(dir_.file("other"), initial_);
	OwnedFd other = open_rw(dir_.file("other"));
	Mapped memory(2 * page_, MAP_SHARED, fd_.get());
	ASSERT_NE(mmap(memory.at(page_), page_, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, other.get(),
		       static_cast<off_t>(page_)),
		  MAP_FAILED);
	expect_refused(inspect(memory), -FI_EINVAL, "other");
}

TEST_F(MappingTest, AnonymousMemoryIsRefused)
{
	Mapped memory(page_, MAP_PRIVATE | MAP_ANONYMOUS);
	auto found = inspect(memory);
	expect_refused(found, -FI_EINVAL, "anonymous memory");
	EXPECT_TRUE(found.forcible);
	std::string heap(100, 'h');
	expect_refused(inspect_memory(heap.data(), heap.size(), never_captured),
		       -FI_EINVAL, "anonymous memory");
}

TEST_F(MappingTest, SharedAnonymousMemoryIsRefused)
{
	Mapped memory(page_, MAP_SHARED | MAP_ANONYMOUS);
	expect_refused(inspect(memory), -FI_EINVAL, "shared anonymous memory");
}

TEST_F(MappingTest, PrivateMappingIsRefusedByName)
{
	Mapped memory(len_, MAP_PRIVATE, fd_.get());
	expect_refused(inspect(memory), -FI_EINVAL,
		       "a private mapping of " + path_);
}

TEST_F(MappingTest, CapturedPrivateMappingIsTaken)
{
	Mapped memory(len_, MAP_PRIVATE, fd_.get());
	auto found = inspect_memory(memory.at(), memory.size(),
				    [](uintptr_t, uintptr_t) { return true; });
	EXPECT_EQ(found.error, 0) << found.obstacle;
}

TEST_F(MappingTest, TmpfsIsRefused)
{
	std::string path = "/dev/shm/ofi_pmem_test." + std::to_string(getpid());
	OwnedFd fd = open_rw(path);
	struct statfs fs;
	if (!fd || fstatfs(fd.get(), &fs) || fs.f_type != TMPFS_MAGIC)
		GTEST_SKIP() << "/dev/shm is not a writable tmpfs";
	ASSERT_EQ(ftruncate(fd.get(), static_cast<off_t>(page_)), 0);
	Mapped memory(page_, MAP_SHARED, fd.get());
	auto found = inspect(memory);
	unlink(path.c_str());
	expect_refused(found, -FI_EINVAL, "tmpfs, " + path);
}

TEST_F(MappingTest, MemfdIsRefused)
{
	OwnedFd fd(memfd_create("ofi_pmem_test", MFD_CLOEXEC));
	ASSERT_TRUE(fd);
	ASSERT_EQ(ftruncate(fd.get(), static_cast<off_t>(page_)), 0);
	Mapped memory(page_, MAP_SHARED, fd.get());
	expect_refused(inspect(memory), -FI_EINVAL, "memfd");
}

TEST_F(MappingTest, SystemVSharedMemoryIsRefused)
{
	int id = shmget(IPC_PRIVATE, page_, IPC_CREAT | 0600);
	if (id < 0)
		GTEST_SKIP()
			<< "no System V shared memory: " << strerror(errno);
	void *base = shmat(id, nullptr, 0);
	shmctl(id, IPC_RMID, nullptr);
	auto found = inspect_memory(base, page_, never_captured);
	shmdt(base);
	expect_refused(found, -FI_EINVAL, "System V");
}

TEST_F(MappingTest, HugePagesAreRefused)
{
	Mapped memory(2 << 20, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB);
	if (!memory.ok())
		GTEST_SKIP() << "no huge pages reserved: " << strerror(errno);
	expect_refused(inspect(memory), -FI_EINVAL, "huge pages");
}

TEST_F(MappingTest, DeletedFileIsRefused)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	unlink(path_.c_str());
	expect_refused(inspect(memory), -FI_EINVAL,
		       "the deleted file " + path_);
}

TEST_F(MappingTest, FileReplacedByAnotherIsNotTaken)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	write_file(dir_.file("new"), initial_);
	ASSERT_EQ(rename(dir_.file("new").c_str(), path_.c_str()), 0);
	expect_refused(inspect(memory), -FI_EINVAL,
		       "the deleted file " + path_);
}

TEST_F(MappingTest, RenamedFileIsFound)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	std::string renamed = dir_.file("renamed\nfile (deleted)");
	ASSERT_EQ(rename(path_.c_str(), renamed.c_str()), 0);
	auto found = inspect(memory);
	EXPECT_EQ(found.error, 0) << found.obstacle;
	EXPECT_EQ(found.file.segment.path, renamed);
}

/* There st_dev and st_ino of the file are not those that the map shows. */
TEST_F(MappingTest, FileOnOverlayfsIsFound)
{
	constexpr int kNoMount = 77;
	int status = run_in_child([&] {
		for (auto name : {"lower", "upper", "work", "merged"})
			std::filesystem::create_directory(dir_.file(name));
		std::string options = "lowerdir=" + dir_.file("lower") +
				      ",upperdir=" + dir_.file("upper") +
				      ",workdir=" + dir_.file("work");
		if (!enter_mount_namespace() ||
		    mount("overlay", dir_.file("merged").c_str(), "overlay", 0,
			  options.c_str()))
			return kNoMount;
		std::string path = dir_.file("merged") + "/region";
		write_file(path, initial_);
		OwnedFd fd = open_rw(path);
		Mapped memory(len_, MAP_SHARED, fd.get());
		auto found = inspect(memory);
		if (found.error)
			return 1;
		if (pwrite(found.file.fd.get(), "x", 1, 0) != 1)
			return 2;
		return *memory.at() == 'x' ? 0 : 3;
	});
	if (exited_with(status, kNoMount))
		GTEST_SKIP() << "cannot mount overlayfs (needs root)";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

TEST_F(MappingTest, ReadOnlyMappingIsAnError)
{
	Mapped memory(len_, MAP_SHARED, fd_.get(), PROT_READ);
	auto found = inspect(memory);
	expect_refused(found, -FI_EACCES, "not mapped for reading and writing");
	EXPECT_FALSE(found.forcible);
}

TEST_F(MappingTest, PartlyReadOnlyMappingIsAnError)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	ASSERT_EQ(mprotect(memory.at(page_), page_, PROT_READ), 0);
	expect_refused(inspect(memory), -FI_EACCES, "everywhere");
}

TEST_F(MappingTest, FileThatIsNotWritableIsAnError)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	ASSERT_EQ(chmod(path_.c_str(), 0400), 0);
	/* Root writes any file: drop to nobody where that is possible. */
	int status = run_in_child([&] {
		if (!getuid() && (chmod(dir_.file("").c_str(), 0755) ||
				  setgid(65534) || setuid(65534)))
			return 77;
		auto found = inspect(memory);
		/* The path may not even be searchable for nobody. */
		bool writing = has_word(found, "opened for writing");
		if (found.error != -FI_EACCES || found.known || found.forcible)
			return 1;
		return writing || has_word(found, "not found") ? 0 : 2;
	});
	if (exited_with(status, 77))
		GTEST_SKIP() << "cannot drop the privilege to write";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

/* A region that only reads, or is only read, needs no more than that. */
TEST_F(MappingTest, ReadOnlyMappingIsPersistentIfNothingIsWritten)
{
	Mapped memory(len_, MAP_SHARED, fd_.get(), PROT_READ);
	auto found =
		inspect_memory(memory.at(), len_, never_captured, {}, false);
	ASSERT_EQ(found.error, 0) << found.obstacle;
	EXPECT_EQ(fcntl(found.file.fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(MappingTest, UnreadableMappingIsAnErrorAlsoIfNothingIsWritten)
{
	Mapped memory(len_, MAP_SHARED, fd_.get(), PROT_NONE);
	auto found =
		inspect_memory(memory.at(), len_, never_captured, {}, false);
	expect_refused(found, -FI_EACCES, "not mapped for reading everywhere");
	EXPECT_FALSE(found.forcible);
	EXPECT_TRUE(found.known);
}

/*
 * It is found by /proc/self/map_files, or as here among the process's own
 * files.
 */
TEST_F(MappingTest, UnlinkedFileIsJudgedByItsOtherNames)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	std::string other = dir_.file("other");
	ASSERT_EQ(link(path_.c_str(), other.c_str()), 0);
	ASSERT_EQ(unlink(path_.c_str()), 0);
	ASSERT_EQ(fchmod(fd_.get(), 0666), 0);
	int status = run_without_privileges(
		[&] { return inspect(memory).error ? 1 : 0; });
	if (exited_with(status, kCannotDrop))
		GTEST_SKIP() << "cannot drop privileges";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
	unlink(other.c_str());
	status = run_without_privileges([&] {
		auto found = inspect(memory);
		if (!found.known || found.error != -FI_EINVAL)
			return 1;
		/* Nobody knows without a descriptor. */
		fd_ = OwnedFd();
		found = inspect(memory);
		return !found.known && !found.forcible && found.error ? 0 : 2;
	});
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

/* Its type is known by the mounts, whoever may look at the file. */
TEST_F(MappingTest, UnlinkedFileOnTmpfsIsKnown)
{
	std::string path = "/dev/shm/ofi_pmem_test." + std::to_string(getpid());
	OwnedFd fd = open_rw(path);
	struct statfs fs;
	if (!fd || fstatfs(fd.get(), &fs) || fs.f_type != TMPFS_MAGIC)
		GTEST_SKIP() << "/dev/shm is not a writable tmpfs";
	ASSERT_EQ(ftruncate(fd.get(), static_cast<off_t>(page_)), 0);
	Mapped memory(page_, MAP_SHARED, fd.get());
	unlink(path.c_str());
	fd = OwnedFd();
	int status = run_without_privileges([&] {
		auto found = inspect(memory);
		return found.known && has_word(found, "tmpfs") ? 0 : 1;
	});
	if (exited_with(status, kCannotDrop))
		GTEST_SKIP() << "cannot drop privileges";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

TEST_F(MappingTest, WithoutProcNothingIsKnown)
{
	constexpr int kNoMount = 77;
	Mapped memory(len_, MAP_SHARED, fd_.get());
	int status = run_in_child([&] {
		if (!enter_mount_namespace() ||
		    mount("none", "/proc", "tmpfs", 0, nullptr))
			return kNoMount;
		auto found = inspect(memory);
		return !found.known && !found.forcible &&
				       found.error == -FI_ENOENT
			       ? 0
			       : 1;
	});
	if (exited_with(status, kNoMount))
		GTEST_SKIP() << "cannot mount over /proc (needs root)";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

namespace
{

/* Returns what this process has read so far; 0 if the kernel does not count. */
uint64_t bytes_read()
{
	std::ifstream io("/proc/self/io");
	std::string name;
	uint64_t bytes = 0;
	io >> name >> bytes;
	return bytes;
}

} // namespace

/* smaps has ten times as much, and counts pages for it. */
TEST_F(MappingTest, OnlyTheShortMapIsReadOfAFileThatIsNotDax)
{
	constexpr size_t kMappings = 2000;
	Mapped memory(len_, MAP_SHARED, fd_.get());
	Mapped many(kMappings * page_, MAP_PRIVATE | MAP_ANONYMOUS);
	for (size_t i = 0; i < kMappings; i += 2)
		ASSERT_EQ(mprotect(many.at(i * page_), page_, PROT_READ), 0);
	uint64_t before = bytes_read();
	if (!before)
		GTEST_SKIP() << "no /proc/self/io";
	uint64_t of_io = bytes_read() - before;
	std::string map = read_file("/proc/self/maps");
	before = bytes_read();
	ASSERT_EQ(inspect(memory).error, 0);
	/* On overlayfs and btrfs the map is read once more, to compare. */
	EXPECT_LT(bytes_read() - before, 3 * map.size() + of_io);
}

TEST_F(MappingTest, HoleIsAnError)
{
	Mapped memory(Mapped::kGap, MAP_SHARED, fd_.get());
	memory.leave(page_);
	auto found = inspect(memory);
	expect_refused(found, -FI_EFAULT, "not mapped everywhere");
	EXPECT_FALSE(found.forcible);
}

TEST_F(MappingTest, EmptyAndWrappingRangesAreErrors)
{
	char byte = 0;
	expect_refused(inspect_memory(&byte, 0, never_captured), -FI_EINVAL,
		       "empty");
	expect_refused(inspect_memory(&byte, SIZE_MAX, never_captured),
		       -FI_EINVAL, "empty");
}

TEST_F(MappingTest, MappingPastTheEndOfTheFileIsAnError)
{
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(page_ + 10)), 0);
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto found = inspect(memory);
	expect_refused(found, -FI_EINVAL, "past the end of " + path_);
	EXPECT_FALSE(found.forcible);
	found = inspect_memory(memory.at(), page_ + 10, never_captured);
	EXPECT_EQ(found.error, 0) << found.obstacle;
}

TEST_F(MappingTest, DeviceThatIsNotDaxIsRefused)
{
	OwnedFd fd(open("/dev/zero", O_RDWR | O_CLOEXEC));
	ASSERT_TRUE(fd);
	/* A shared mapping of /dev/zero is anonymous memory, null(4). */
	Mapped memory(page_, MAP_SHARED, fd.get());
	expect_refused(inspect(memory), -FI_EINVAL, "shared anonymous memory");
}

TEST(ProcMaps, LineIsParsed)
{
	MapSegment segment;
	ASSERT_TRUE(parse_map_line("7f00-7f80 rw-s 00001000 fe:1f 42"
				   "      /a b\\012c (deleted)",
				   &segment));
	EXPECT_EQ(segment.start, 0x7f00u);
	EXPECT_EQ(segment.end, 0x7f80u);
	EXPECT_TRUE(segment.shared);
	EXPECT_EQ(segment.protection, PROT_READ | PROT_WRITE);
	EXPECT_EQ(segment.offset, 0x1000u);
	EXPECT_EQ(segment.device_major, 0xfeu);
	EXPECT_EQ(segment.device_minor, 0x1fu);
	EXPECT_EQ(segment.inode, 42u);
	EXPECT_EQ(segment.path, "/a b\nc (deleted)");
	ASSERT_TRUE(parse_map_line("1-2 ---p 0 00:00 0 ", &segment));
	EXPECT_EQ(segment.path, "");
	EXPECT_FALSE(segment.shared);
	EXPECT_FALSE(parse_map_line("Anonymous:      4 kB", &segment));
	EXPECT_FALSE(parse_map_line("VmFlags: rd wr sh sf", &segment));
}

TEST(ProcMaps, SyncFlagMustBeOnEverySegmentOfTheRange)
{
	const std::string text = "1000-2000 rw-s 0 01:02 7 /dax/file\n"
				 "Size:                  4 kB\n"
				 "VmFlags: rd wr sh mr sf \n"
				 "2000-3000 rw-s 1000 01:02 7 /dax/file\n"
				 "VmFlags: rd wr sh sf\n"
				 "3000-4000 rw-s 2000 01:02 7 /dax/file\n"
				 "VmFlags: rd wr sh mr \n";
	auto has_flag = [&](uintptr_t begin, uintptr_t end) {
		std::istringstream smaps(text);
		SyncFlag flag(begin, end);
		for (std::string line; std::getline(smaps, line);)
			if (!flag.take(line))
				break;
		return flag.everywhere();
	};
	EXPECT_TRUE(has_flag(0x1800, 0x2800));
	EXPECT_FALSE(has_flag(0x2800, 0x3001));
	EXPECT_FALSE(has_flag(0x3800, 0x3900));
	EXPECT_FALSE(has_flag(0x5000, 0x6000));
}
