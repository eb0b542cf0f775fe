/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Which backend which memory gets, and what the user is told otherwise. */
#include "config.h"

#include "persist_fixture.hh"

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include "persist/default_backend.hh"

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
};

TEST_F(FactoryTest, DefaultParametersServeAFileByPages)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	BackendPtr backend;
	ASSERT_EQ(open_backend({memory.at(), len_, false}, &backend), 0);
	EXPECT_EQ(backend->granularity(), Granularity::page);
	EXPECT_EQ(backend->domain(), PersistenceDomain::device);
	EXPECT_FALSE(backend->one_sided());
	EXPECT_TRUE(is_persistent_memory(memory.at(), len_));
}

TEST_F(FactoryTest, OutputIsUntouchedOnRefusal)
{
	Mapped memory(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	BackendPtr backend;
	EXPECT_EQ(open_for(memory, false, &backend), -FI_EINVAL);
	EXPECT_EQ(backend, nullptr);
	EXPECT_FALSE(is_persistent_memory(memory.at(), len_));
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
	Mapped hole(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	munmap(hole.at(page_), page_);
	EXPECT_EQ(open_for(hole, true, &backend), -FI_EFAULT);
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(page_)), 0);
	Mapped past_end(len_, MAP_SHARED, fd_.get());
	EXPECT_EQ(open_for(past_end, true, &backend), -FI_EINVAL);
}

TEST_F(FactoryTest, CapturedMemoryIsStillPersistent)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	BackendPtr backend;
	ASSERT_EQ(open_default_backend({memory.at(), len_, false},
				       BackendChoice::powerfail, &backend),
		  0);
	EXPECT_TRUE(is_persistent_memory(memory.at(), len_));
	backend.reset();
	EXPECT_TRUE(is_persistent_memory(memory.at(), len_));
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

TEST(BackendNames, AreThoseOfTheManPage)
{
	EXPECT_STREQ(to_string(Granularity::cache_line), "cache line");
	EXPECT_STREQ(to_string(PersistenceDomain::none_forced),
		     "none (forced)");
	EXPECT_STREQ(to_string(PersistenceDomain::system), "whole system");
}
