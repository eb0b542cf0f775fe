/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * These tests check which memory gets which backend, and what is reported
 * otherwise.
 */
#include "fixture/persist_fixture.hh"
#include "persist/default_backend.hh"

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

class FactoryTest : public PersistTest
{
protected:
	using BackendPtr = std::unique_ptr<Backend>;

	static int open_for(const Mapped &memory, bool forced,
			    BackendPtr *backend)
	{
		return open_default_backend(
			{memory.at(), memory.size(), forced},
			BackendChoice::automatic, backend);
	}

	/*
	 * Opens as for middleware, which registers memory and does not know of
	 * regions.
	 */
	static int open_unflagged(const Mapped &memory, bool forced,
				  BackendPtr *backend, bool written = true)
	{
		return open_default_backend({memory.at(),
					     memory.size(),
					     forced,
					     {},
					     false,
					     written},
					    BackendChoice::automatic, backend);
	}

	/* Returns whether FI_OFI_PMEM_REGIONS=detect makes it a region. */
	static bool is_detected(const Mapped &memory)
	{
		BackendPtr backend;
		EXPECT_EQ(open_unflagged(memory, false, &backend), 0);
		return backend != nullptr;
	}
};

TEST_F(FactoryTest, DefaultParametersServeAFileByPages)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	BackendPtr backend;
	ASSERT_EQ(open_backend({memory.at(), len_, false}, &backend), 0);
	EXPECT_EQ(backend->granularity(), Granularity::page);
	EXPECT_EQ(backend->domain(), PersistenceDomain::device);
	EXPECT_FALSE(backend->one_sided());
	EXPECT_TRUE(is_detected(memory));
}

TEST_F(FactoryTest, OutputIsUntouchedOnRefusal)
{
	Mapped memory(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	BackendPtr backend;
	EXPECT_EQ(open_for(memory, false, &backend), -FI_EINVAL);
	EXPECT_EQ(backend, nullptr);
	EXPECT_FALSE(is_detected(memory));
}

TEST_F(FactoryTest, ForcedAnonymousMemoryIsServedAsVolatile)
{
	Mapped memory(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	BackendPtr backend;
	ASSERT_EQ(open_for(memory, true, &backend), 0);
	EXPECT_EQ(backend->granularity(), Granularity::byte);
	EXPECT_EQ(backend->domain(), PersistenceDomain::none_forced);
	EXPECT_FALSE(backend->one_sided());
	EXPECT_TRUE(backend->direct());
	bool stored = false;
	ASSERT_EQ(backend->store_flush(8, "volatile", 8, &stored), 0);
	EXPECT_TRUE(stored);
	ASSERT_EQ(backend->store(1, "x", 1), 0);
	ASSERT_EQ(backend->flush(1, 1), 0);
	ASSERT_EQ(backend->drain(), 0);
	char back[8] = {};
	ASSERT_EQ(backend->load(8, back, 8), 0);
	EXPECT_EQ(std::string(back, 8), "volatile");
	EXPECT_EQ(std::string(memory.at(8), 8), "volatile");
}

TEST_F(FactoryTest, ForceDoesNotWeakenAFile)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	BackendPtr backend;
	ASSERT_EQ(open_for(memory, true, &backend), 0);
	EXPECT_EQ(backend->domain(), PersistenceDomain::device);
}

TEST_F(FactoryTest, ForcedPrivateMappingIsServedAsVolatile)
{
	Mapped memory(len_, MAP_PRIVATE, fd_.get());
	BackendPtr backend;
	EXPECT_EQ(open_for(memory, false, &backend), -FI_EINVAL);
	ASSERT_EQ(open_for(memory, true, &backend), 0);
	EXPECT_EQ(backend->domain(), PersistenceDomain::none_forced);
}

TEST_F(FactoryTest, ForceDoesNotHelpMemoryThatCannotBeWritten)
{
	BackendPtr backend;
	Mapped read_only(len_, MAP_SHARED, fd_.get(), PROT_READ);
	EXPECT_EQ(open_for(read_only, true, &backend), -FI_EACCES);
	Mapped hole(Mapped::kGap, MAP_PRIVATE | MAP_ANONYMOUS);
	hole.leave(page_);
	EXPECT_EQ(open_for(hole, true, &backend), -FI_EFAULT);
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(page_)), 0);
	Mapped past_end(len_, MAP_SHARED, fd_.get());
	EXPECT_EQ(open_for(past_end, true, &backend), -FI_EINVAL);
}

/*
 * Memory that the inner provider takes is refused only if persistence was asked
 * for.
 */
TEST_F(FactoryTest, MemoryThatCannotBeServedStaysOrdinary)
{
	Mapped read_only(len_, MAP_SHARED, fd_.get(), PROT_READ);
	Mapped reserved(len_, MAP_PRIVATE | MAP_ANONYMOUS, -1, PROT_NONE);
	Mapped unreadable(len_, MAP_SHARED, fd_.get(), PROT_NONE);
	Mapped hole(Mapped::kGap, MAP_PRIVATE | MAP_ANONYMOUS);
	hole.leave(page_);
	write_file(dir_.file("short"), "short");
	OwnedFd fd = open_rw(dir_.file("short"));
	Mapped past_end(len_, MAP_SHARED, fd.get());
	for (bool forced : {false, true}) {
		for (auto *memory :
		     {&read_only, &reserved, &unreadable, &hole, &past_end}) {
			BackendPtr backend;
			EXPECT_EQ(open_unflagged(*memory, forced, &backend), 0);
			EXPECT_EQ(backend, nullptr);
			EXPECT_LT(open_for(*memory, forced, &backend), 0);
			EXPECT_EQ(backend, nullptr);
		}
	}
}

TEST_F(FactoryTest, ReadOnlyMemoryIsServedToReaders)
{
	Mapped of_file(len_, MAP_SHARED, fd_.get(), PROT_READ);
	BackendPtr backend;
	ASSERT_EQ(open_unflagged(of_file, true, &backend, false), 0);
	ASSERT_NE(backend, nullptr);
	EXPECT_EQ(backend->domain(), PersistenceDomain::device);
	char byte = 0;
	EXPECT_EQ(backend->load(page_, &byte, 1), 0);
	EXPECT_EQ(byte, '.');
	EXPECT_EQ(backend->flush(0, len_), 0);
	EXPECT_EQ(backend->drain(), 0);

	Mapped constant(len_, MAP_PRIVATE, fd_.get(), PROT_READ);
	ASSERT_EQ(open_unflagged(constant, true, &backend, false), 0);
	EXPECT_EQ(backend->domain(), PersistenceDomain::none_forced);
	EXPECT_EQ(backend->load(page_, &byte, 1), 0);
	backend.reset();
	ASSERT_EQ(open_unflagged(constant, false, &backend, false), 0);
	EXPECT_EQ(backend, nullptr);
}

/* A file that shrinks below memory which is served by force. */
TEST_F(FactoryTest, ForcedMemoryThatIsGoneIsAnErrorAndNotASignal)
{
	Mapped memory(len_, MAP_PRIVATE, fd_.get());
	int status = run_in_child([&] {
		BackendPtr backend;
		if (open_unflagged(memory, true, &backend) || !backend ||
		    ftruncate(fd_.get(), static_cast<off_t>(page_)))
			return 1;
		char byte = 0;
		if (backend->load(2 * page_, &byte, 1) != -FI_EIO)
			return 2;
		if (backend->store(2 * page_, &byte, 1) != -FI_EIO)
			return 3;
		return backend->load(0, &byte, 1) ? 4 : 0;
	});
	EXPECT_TRUE(exited_with(status, 0)) << status;
}

/*
 * However many descriptors are left, from none to all that are needed: a file
 * is durable or refused, and never taken for something else.
 */
TEST_F(FactoryTest, FileIsNeverVolatileForWantOfDescriptors)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	for (bool flagged : {true, false}) {
		for (bool forced : {true, false}) {
			int ret = -FI_EMFILE;
			for (size_t left = 0; ret; left++) {
				ASSERT_LT(left, 8u);
				FewDescriptors few(left);
				BackendPtr backend;
				ret = open_default_backend(
					{memory.at(),
					 len_,
					 forced,
					 {},
					 flagged},
					BackendChoice::automatic, &backend);
				if (ret) {
					EXPECT_EQ(ret, -FI_EMFILE);
					EXPECT_EQ(backend, nullptr);
					continue;
				}
				EXPECT_GT(left, 0u);
				ASSERT_NE(backend, nullptr);
				EXPECT_EQ(backend->domain(),
					  PersistenceDomain::device);
			}
		}
	}
}

/* The server has given up its privileges, or its files belong to others. */
TEST_F(FactoryTest, FileIsNeverVolatileForWantOfPrivileges)
{
	if (geteuid())
		GTEST_SKIP() << "needs root";
	Mapped memory(len_, MAP_SHARED, fd_.get());
	for (int directory : {0700, 0755}) {
		ASSERT_EQ(chmod(dir_.file("").c_str(),
				static_cast<mode_t>(directory)),
			  0);
		int status = run_without_privileges([&] {
			BackendPtr backend;
			if (open_unflagged(memory, true, &backend) !=
				    -FI_EACCES ||
			    backend)
				return 1;
			if (open_unflagged(memory, false, &backend) !=
				    -FI_EACCES ||
			    backend)
				return 2;
			return open_for(memory, true, &backend) == -FI_EACCES
				       ? 0
				       : 3;
		});
		if (exited_with(status, kCannotDrop))
			GTEST_SKIP() << "cannot drop privileges";
		EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
	}
}

/* A later region is served by the file that is open already. */
TEST_F(FactoryTest, FileThatIsServedNeedsNoPrivileges)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	ASSERT_EQ(chmod(dir_.file("").c_str(), 0755), 0);
	BackendPtr first;
	ASSERT_EQ(open_for(memory, false, &first), 0);
	int status = run_without_privileges([&] {
		BackendPtr second;
		return open_unflagged(memory, false, &second) || !second;
	});
	if (exited_with(status, kCannotDrop))
		GTEST_SKIP() << "cannot drop privileges";
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

TEST_F(FactoryTest, CapturedMemoryIsStillPersistent)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	BackendPtr backend;
	ASSERT_EQ(open_default_backend({memory.at(), len_, false},
				       BackendChoice::powerfail, &backend),
		  0);
	EXPECT_TRUE(is_detected(memory));
	backend.reset();
	EXPECT_TRUE(is_detected(memory));
}

/* libfabric reads FI_LOG_LEVEL once, so this runs in a process of its own. */
TEST(FactoryLog, RefusalSaysWhatTheMemoryIsAndWhatWouldWork)
{
	testing::FLAGS_gtest_death_test_style = "threadsafe";
	auto refuse = [&] {
		setenv("FI_LOG_LEVEL", "warn", 1);
		setenv("FI_PROVIDER", "none", 1);
		fi_info *info = nullptr;
		static_cast<void>(fi_getinfo(FI_VERSION(1, 17), nullptr,
					     nullptr, 0, nullptr, &info));
		std::string heap(100, 'h');
		std::unique_ptr<Backend> backend;
		int ret = open_backend({heap.data(), heap.size(), false},
				       &backend);
		_exit(ret == -FI_EINVAL ? 0 : 1);
	};
	EXPECT_EXIT(refuse(), testing::ExitedWithCode(0),
		    "it is anonymous memory; register a shared mapping "
		    "of a file .*FI_OFI_PMEM_REGIONS=all");
}

namespace
{

/* Forces memory of two files and none, twice; what is said of each? */
int count_warnings(const std::string &directory)
{
	setenv("FI_LOG_LEVEL", "warn", 1);
	setenv("FI_PROVIDER", "none", 1);
	fi_info *info = nullptr;
	static_cast<void>(fi_getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0,
				     nullptr, &info));
	std::string log = directory + "/log";
	OwnedFd to(open(log.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	if (dup2(to.get(), STDERR_FILENO) < 0)
		return 2;
	write_file(directory + "/one", "1");
	write_file(directory + "/two", "2");
	OwnedFd one = open_rw(directory + "/one");
	OwnedFd two = open_rw(directory + "/two");
	Mapped memories[] = {
		{page_size(), MAP_PRIVATE | MAP_ANONYMOUS},
		{page_size(), MAP_PRIVATE, one.get()},
		{page_size(), MAP_SHARED, one.get()},
		{page_size(), MAP_PRIVATE, two.get()},
	};
	for (int round = 0; round < 2; round++) {
		for (auto &memory : memories) {
			std::unique_ptr<Backend> backend;
			if (open_backend({memory.at(),
					  memory.size(),
					  true,
					  {},
					  false},
					 &backend))
				return 3;
		}
	}
	struct {
		const char *words;
		int count;
	} const expected[] = {
		{"region of anonymous memory", 1},
		{"a private mapping of ", 2},
		{"past the end of ", 1},
		{"/one: what is", 1},
		{"/two: what is", 1},
	};
	std::string text = read_file(log);
	for (const auto &line : expected) {
		int count = 0;
		for (size_t at = text.find(line.words); at != text.npos;
		     at = text.find(line.words, at + 1))
			count++;
		if (count != line.count)
			return 4;
	}
	return 0;
}

} // namespace

/* The first one of a process takes nobody else's warning. */
TEST(FactoryLog, EachCauseAndFileIsWarnedOfOnce)
{
	testing::FLAGS_gtest_death_test_style = "threadsafe";
	EXPECT_EXIT(
		{
			int ret;
			{
				TempDir directory;
				ret = count_warnings(directory.file(""));
			}
			_exit(ret);
		},
		testing::ExitedWithCode(0), "");
}

TEST(BackendNames, AreThoseOfTheManPage)
{
	EXPECT_STREQ(to_string(Granularity::cache_line), "cache line");
	EXPECT_STREQ(to_string(PersistenceDomain::none_forced),
		     "none (forced)");
	EXPECT_STREQ(to_string(PersistenceDomain::system), "whole system");
}
