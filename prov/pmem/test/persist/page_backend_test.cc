/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Page granularity: what goes wrong with a file is an error, never a signal. */
#include "persist/page_backend.hh"

#include "fixture/persist_fixture.hh"

#include <rdma/fi_errno.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

int syncs;
int sync_errors;
int sync_interrupts;

int counting_sync(int)
{
	syncs++;
	if (sync_interrupts > 0) {
		sync_interrupts--;
		errno = EINTR;
		return -1;
	}
	if (sync_errors > 0) {
		sync_errors--;
		errno = EIO;
		return -1;
	}
	return 0;
}

int starts;
int start_error;
off64_t started_end;

/* Notes what lies behind each other; fails with `start_error`. */
int noting_start(int, off64_t begin, off64_t bytes, unsigned)
{
	starts++;
	if (start_error) {
		errno = start_error;
		return -1;
	}
	EXPECT_EQ(begin, started_end);
	started_end = begin + bytes;
	return 0;
}

} // namespace

class PageBackendTest : public PersistTest
{
protected:
	void SetUp() override
	{
		PersistTest::SetUp();
		syncs = sync_errors = sync_interrupts = 0;
		starts = start_error = 0;
		started_end = 0;
	}

	std::unique_ptr<PageBackend>
	open_backend(const Mapped &memory, PageBackend::Sync sync,
		     PageBackend::StartSync start = nullptr)
	{
		auto found = inspect(memory);
		EXPECT_EQ(found.error, 0) << found.obstacle;
		return std::make_unique<PageBackend>(std::move(found.file),
						     sync, start);
	}

	off_t file_size() const
	{
		struct stat st = {};
		fstat(fd_.get(), &st);
		return st.st_size;
	}
};

TEST_F(PageBackendTest, StoresReachFileAndMapping)
{
	Mapped memory(2 * page_, MAP_SHARED, fd_.get(), PROT_READ | PROT_WRITE,
		      static_cast<off_t>(page_));
	auto backend = open_backend(memory, nullptr);
	std::string payload(page_, 's');
	ASSERT_EQ(backend->store(100, payload.data(), payload.size()), 0);
	ASSERT_EQ(backend->flush(100, payload.size()), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(memcmp(memory.at(100), payload.data(), payload.size()), 0);
	EXPECT_EQ(read_file(path_).substr(page_ + 100, page_), payload);
	*memory.at(100) = 'm';
	ASSERT_EQ(backend->load(100, payload.data(), 1), 0);
	EXPECT_EQ(payload[0], 'm');
	EXPECT_FALSE(backend->one_sided());
}

TEST_F(PageBackendTest, DrainSyncsOnceAndOnlyWhenNeeded)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, counting_sync);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(syncs, 0);
	ASSERT_EQ(backend->flush(0, 100), 0);
	ASSERT_EQ(backend->flush(page_, 100), 0);
	ASSERT_EQ(backend->drain(), 0);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(syncs, 1);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(0, "abc", 3, &stored), 0);
	EXPECT_TRUE(stored);
	ASSERT_EQ(backend->drain(), 0);
	EXPECT_EQ(syncs, 2);
}

TEST_F(PageBackendTest, FailedSyncIsNeverForgotten)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, counting_sync);
	sync_errors = 1;
	ASSERT_EQ(backend->flush(0, 1), 0);
	EXPECT_EQ(backend->drain(), -FI_EIO);
	EXPECT_EQ(backend->drain(), -FI_EIO);
	ASSERT_EQ(backend->flush(0, 1), 0);
	EXPECT_EQ(backend->drain(), -FI_EIO);
	EXPECT_EQ(syncs, 1);
}

TEST_F(PageBackendTest, ReadOnlyMappingOfASuspectFileOpensButIsNotFlushed)
{
	Mapped writable(len_, MAP_SHARED, fd_.get());
	Mapped read_only(len_, MAP_SHARED, fd_.get(), PROT_READ);
	inspect(writable).file.fd->fail(EIO);
	auto backend = open_backend(writable, nullptr);
	EXPECT_EQ(backend->open(writable.at()), 0);
	EXPECT_EQ(backend->flush(0, 1), 0);
	auto found =
		inspect_memory(read_only.at(), len_, never_captured, {}, false);
	backend = std::make_unique<PageBackend>(std::move(found.file));
	EXPECT_EQ(backend->open(read_only.at()), 0);
	EXPECT_EQ(backend->flush(0, 1), -FI_EIO);
}

TEST_F(PageBackendTest, InterruptedSyncIsRepeated)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, counting_sync);
	sync_interrupts = 2;
	ASSERT_EQ(backend->flush(0, 1), 0);
	EXPECT_EQ(backend->drain(), 0);
	EXPECT_EQ(syncs, 3);
}

static constexpr size_t kMuch = 3 * PageBackend::kWriteBehind;

static void store_much(Backend &backend)
{
	std::vector<char> piece(size_t{1} << 20, 'x');
	for (uint64_t at = 0; at < kMuch; at += piece.size())
		EXPECT_EQ(backend.store(at, piece.data(), piece.size()), 0);
}

TEST_F(PageBackendTest, WriteBackOfMuchBeginsBeforeTheDrain)
{
	ASSERT_EQ(ftruncate(fd_.get(), kMuch), 0);
	Mapped memory(kMuch, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, counting_sync, noting_start);
	store_much(*backend);
	EXPECT_EQ(starts, 3);
	EXPECT_EQ(started_end, static_cast<off64_t>(kMuch));
	EXPECT_EQ(syncs, 0);
	EXPECT_EQ(backend->drain(), 0);
	EXPECT_EQ(syncs, 1);
}

/* Each has its own bytes, and finds them durable. */
TEST_F(PageBackendTest, ThreadsShareIt)
{
	constexpr size_t kThreads = 3;
	constexpr int kCommits = 50;
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, nullptr);
	std::vector<std::thread> threads;
	for (size_t i = 0; i < kThreads; i++) {
		threads.emplace_back([&, i] {
			for (int round = 0; round < kCommits; round++) {
				bool stored = false;
				EXPECT_EQ(backend->store_flush(
						  i * sizeof(round), &round,
						  sizeof(round), &stored),
					  0);
				EXPECT_EQ(backend->drain(), 0);
			}
		});
	}
	for (std::thread &one : threads)
		one.join();
	int last;
	for (size_t i = 0; i < kThreads; i++) {
		EXPECT_EQ(backend->load(i * sizeof(last), &last, sizeof(last)),
			  0);
		EXPECT_EQ(last, kCommits - 1);
	}
}

TEST_F(PageBackendTest, FailedWriteBackFailsTheDrain)
{
	ASSERT_EQ(ftruncate(fd_.get(), kMuch), 0);
	Mapped memory(kMuch, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, counting_sync, noting_start);
	start_error = EIO;
	store_much(*backend);
	start_error = 0;
	EXPECT_EQ(backend->drain(), -FI_EIO);
	EXPECT_EQ(backend->drain(), -FI_EIO);
}

TEST_F(PageBackendTest, FileWithoutWriteBackIsOnlySynced)
{
	ASSERT_EQ(ftruncate(fd_.get(), kMuch), 0);
	Mapped memory(kMuch, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, counting_sync, noting_start);
	start_error = ENOSYS;
	store_much(*backend);
	EXPECT_EQ(starts, 1);
	EXPECT_EQ(backend->drain(), 0);
	EXPECT_EQ(syncs, 1);
}

TEST_F(PageBackendTest, ShrunkFileIsAnErrorAndStaysShrunk)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, nullptr);
	off_t shrunk = static_cast<off_t>(page_ + 10);
	ASSERT_EQ(ftruncate(fd_.get(), shrunk), 0);
	char bytes[16] = {};
	bool stored = true;
	EXPECT_EQ(backend->store(page_, bytes, 11), -FI_EIO);
	EXPECT_EQ(backend->store(2 * page_, bytes, 16), -FI_EIO);
	EXPECT_EQ(backend->store_flush(2 * page_, bytes, 16, &stored), -FI_EIO);
	EXPECT_FALSE(stored);
	EXPECT_EQ(backend->load(2 * page_, bytes, 16), -FI_EIO);
	EXPECT_EQ(backend->load(page_, bytes, 11), -FI_EIO);
	EXPECT_EQ(backend->flush(2 * page_, 16), -FI_EIO);
	EXPECT_EQ(file_size(), shrunk);
	/* The part that is still there serves on. */
	EXPECT_EQ(backend->store_flush(page_, bytes, 10, &stored), 0);
	EXPECT_EQ(backend->drain(), 0);
	EXPECT_EQ(file_size(), shrunk);
}

TEST_F(PageBackendTest, FileShrunkBetweenFlushAndDrainIsAnError)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open_backend(memory, nullptr);
	bool stored = false;
	ASSERT_EQ(backend->store_flush(2 * page_, "abc", 3, &stored), 0);
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(page_)), 0);
	EXPECT_EQ(backend->drain(), -FI_EIO);
}

TEST_F(PageBackendTest, WriteErrorLeavesTheRegionUsable)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	int status = run_in_child([&] {
		auto backend = open_backend(memory, nullptr);
		/* setrlimit(2): beyond it write(2) fails with EFBIG. */
		signal(SIGXFSZ, SIG_IGN);
		rlimit limit{page_, page_};
		if (setrlimit(RLIMIT_FSIZE, &limit))
			return 2;
		bool stored = true;
		if (backend->store_flush(page_, "abc", 3, &stored) != -EFBIG ||
		    stored)
			return 3;
		/* A write across the limit is cut short first. */
		if (backend->store(page_ - 2, "abcd", 4) != -EFBIG)
			return 4;
		if (backend->store_flush(0, "abc", 3, &stored) || !stored ||
		    backend->drain())
			return 5;
		return 0;
	});
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
	EXPECT_EQ(read_file(path_).substr(page_ - 2, 4), "ab..");
}

namespace
{

constexpr int kNoMount = 77;

/* A child calls this. */
int mount_small_ext4(const std::string &image, const std::string &directory)
{
	std::filesystem::create_directory(directory);
	std::ofstream(image).close();
	std::filesystem::resize_file(image, 4 << 20);
	std::string make = "mkfs.ext4 -q -m 0 -F " + image + " >/dev/null 2>&1";
	std::string mount_it =
		"mount -o loop " + image + " " + directory + " >/dev/null 2>&1";
	if (!enter_mount_namespace() || system(make.c_str()) ||
	    system(mount_it.c_str()))
		return kNoMount;
	return 0;
}

/* A sparse file larger than the disk is filled until the disk is full. */
int fill_disk(const std::string &path)
{
	constexpr size_t kRegion = 16 << 20;
	OwnedFd fd = open_rw(path);
	if (ftruncate(fd.get(), kRegion))
		return 2;
	Mapped memory(kRegion, MAP_SHARED, fd.get());
	auto found = inspect_memory(memory.at(), kRegion, never_captured);
	if (found.error)
		return 3;
	PageBackend backend(std::move(found.file));
	std::string chunk(65536, 'f');
	bool stored = true;
	int ret = 0;
	for (size_t at = 0; !ret && at < kRegion; at += chunk.size())
		ret = backend.store_flush(at, chunk.data(), chunk.size(),
					  &stored);
	if (ret != -FI_ENOSPC || stored)
		return 4;
	/*
	 * Bytes that have space are still served, and can still be made
	 * durable.
	 */
	if (backend.store_flush(0, "abc", 3, &stored) || !stored ||
	    backend.drain())
		return 5;
	return memcmp(memory.at(), "abcf", 4) ? 6 : 0;
}

} // namespace

TEST_F(PageBackendTest, FullDiskIsAnErrorAndNotASignal)
{
	int status = run_in_child([&] {
		std::string disk = dir_.file("disk");
		int ret = mount_small_ext4(dir_.file("image"), disk);
		return ret ? ret : fill_disk(disk + "/region");
	});
	if (exited_with(status, kNoMount))
		GTEST_SKIP() << "cannot mount an ext4 image on a loop device "
				"(needs root, mkfs.ext4 and loop devices)";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}
