/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Reading back: what each backend reads, and memory that cannot be read. */
#include "persist/read_back.hh"

#include "fixture/persist_fixture.hh"
#include "persist/default_backend.hh"

#include <rdma/fi_errno.h>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

class ReadBack : public PersistTest
{
protected:
	void SetUp() override
	{
		PersistTest::SetUp();
		ASSERT_EQ(buffer_.open(), 0);
	}

	std::unique_ptr<Backend> open(const Mapped &memory,
				      BackendChoice choice, bool forced = false)
	{
		std::unique_ptr<Backend> backend;
		RegionMemory region{memory.at(), memory.size(), forced};
		EXPECT_EQ(open_default_backend(region, choice, &backend), 0);
		return backend;
	}

	std::string read(size_t len) const
	{
		return {reinterpret_cast<const char *>(buffer_.data()), len};
	}

	ReadBackBuffer buffer_;
};

TEST_F(ReadBack, CopiesAnyLengthFromAnyAddress)
{
	std::string text(ReadBackBuffer::kSize + 10, 0);
	for (size_t i = 0; i < text.size(); i++)
		text[i] = static_cast<char>(i * 7);
	for (size_t len :
	     {size_t{1}, size_t{63}, size_t{4097}, ReadBackBuffer::kSize}) {
		EXPECT_EQ(buffer_.copy_from(&text[3], len), 0);
		EXPECT_EQ(read(len), text.substr(3, len));
		EXPECT_EQ(buffer_.copy_evicted(&text[5], len), 0);
		EXPECT_EQ(read(len), text.substr(5, len));
	}
	EXPECT_EQ(buffer_.open(), 0);
}

/* Each would be a SIGBUS or a SIGSEGV of this process. */
TEST_F(ReadBack, OfMemoryThatIsGoneIsAnError)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(2 * page_)), 0);
	Mapped guarded(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	ASSERT_EQ(mprotect(guarded.at(2 * page_), page_, PROT_NONE), 0);
	for (const Mapped *one : {&memory, &guarded}) {
		char *end = one->at(2 * page_);
		EXPECT_EQ(buffer_.copy_from(end - 8, 8), 0);
		EXPECT_EQ(buffer_.copy_from(end - 8, 9), -FI_EIO);
		EXPECT_EQ(buffer_.copy_from(end, page_), -FI_EIO);
		EXPECT_EQ(buffer_.copy_evicted(end - 8, 8), 0);
		EXPECT_EQ(buffer_.copy_evicted(end - 8, 9), -FI_EIO);
		EXPECT_EQ(buffer_.copy_evicted(end, page_), -FI_EIO);
	}
}

TEST_F(ReadBack, OfTheSimulationIsWhatIsDurable)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open(memory, BackendChoice::powerfail);
	EXPECT_EQ(backend->coverage(), Coverage::domain);
	ASSERT_EQ(backend->store(100, "new", 3), 0);
	ASSERT_EQ(backend->read_back(100, 3, &buffer_), 0);
	EXPECT_EQ(read(3), "...");
	ASSERT_EQ(backend->flush(100, 3), 0);
	ASSERT_EQ(backend->drain(), 0);
	ASSERT_EQ(backend->read_back(100, 3, &buffer_), 0);
	EXPECT_EQ(read(3), "new");
}

TEST_F(ReadBack, OfPagesIsTheFile)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	auto backend = open(memory, BackendChoice::pmem2);
	EXPECT_EQ(backend->coverage(), Coverage::cache);
	ASSERT_EQ(backend->store(100, "new", 3), 0);
	ASSERT_EQ(backend->read_back(99, 4, &buffer_), 0);
	EXPECT_EQ(read(4), ".new");
	ASSERT_EQ(ftruncate(fd_.get(), 102), 0);
	EXPECT_EQ(backend->read_back(100, 2, &buffer_), 0);
	EXPECT_EQ(backend->read_back(100, 3, &buffer_), -FI_EIO);
}

TEST_F(ReadBack, OfForcedMemoryTellsOfNothingDurable)
{
	Mapped memory(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	auto backend = open(memory, BackendChoice::pmem2, true);
	EXPECT_EQ(backend->coverage(), Coverage::cache);
	ASSERT_EQ(backend->store(100, "new", 3), 0);
	ASSERT_EQ(backend->read_back(100, 3, &buffer_), 0);
	EXPECT_EQ(read(3), "new");
}

/* libpmem2 is forced to find what it would find of persistent memory. */
TEST_F(ReadBack, OfLinesIsBehindTheCaches)
{
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
		Mapped memory(len_, MAP_SHARED, fd_.get());
		auto backend = open(memory, BackendChoice::pmem2);
		bool good =
			backend->coverage() == Coverage::cache &&
			!backend->store(100, "new", 3) &&
			!backend->read_back(100, 3, &buffer_) &&
			read(3) == "new" &&
			!ftruncate(fd_.get(), static_cast<off_t>(page_)) &&
			backend->read_back(page_ - 1, 2, &buffer_) == -FI_EIO;
		return good ? 0 : 1;
	});
	EXPECT_TRUE(exited_with(status, 0));
}

} // namespace
