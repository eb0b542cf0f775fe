/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Regions whose file, granularity or domain the application declares: what is
 * accepted, and what is refused because it is known to be wrong.
 */
#include "persist/region_declaration.hh"

#include "fixture/persist_fixture.hh"
#include "persist/default_backend.hh"
#include "persist/pmem2_backend.hh"

#include <rdma/fi_errno.h>

#include <iterator>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

constexpr auto kByte = Granularity::byte;
constexpr auto kLine = Granularity::cache_line;
constexpr auto kPage = Granularity::page;
constexpr auto kController = PersistenceDomain::memory_controller;
constexpr auto kCaches = PersistenceDomain::cpu_cache;
constexpr auto kDevice = PersistenceDomain::device;
constexpr auto kSystem = PersistenceDomain::system;

const KnownMedium kFile{true, true, {}, false};
const KnownMedium kUnknownDax{false, false, {}, false};
const KnownMedium kAdrDax{false, false, kController, false};
const KnownMedium kEadrDax{false, false, kCaches, false};
const KnownMedium kDaxFile{false, true, {}, false};
/* A file on virtio-pmem is like this. */
const KnownMedium kAsyncDaxFile{false, true, {}, true};

RegionDeclaration declare(std::optional<Granularity> granularity,
			  std::optional<PersistenceDomain> domain)
{
	RegionDeclaration declared;
	declared.granularity = granularity;
	declared.domain = domain;
	return declared;
}

struct Case {
	const KnownMedium *known;
	std::optional<Granularity> granularity;
	std::optional<PersistenceDomain> domain;
	const char *refused; /* part of the text; null: taken */
};

const Case kCases[] = {
	{&kFile, {}, {}, nullptr},
	{&kFile, kPage, {}, nullptr},
	{&kFile, kPage, kDevice, nullptr},
	{&kFile, {}, kDevice, nullptr},
	{&kFile, kLine, {}, "there is a page cache in front of the file"},
	{&kFile, kByte, kCaches, "there is a page cache in front of the file"},
	{&kFile, {}, kController, "there is a page cache in front of the file"},
	{&kFile, {}, kCaches, "there is a page cache in front of the file"},
	{&kFile, kPage, kController, "in the domain device"},
	{&kUnknownDax, kLine, {}, "none is declared or known"},
	{&kUnknownDax, kLine, kController, nullptr},
	{&kUnknownDax, {}, kCaches, nullptr},
	{&kUnknownDax, kByte, kCaches, nullptr},
	{&kUnknownDax, kByte, {}, "none is declared or known"},
	{&kUnknownDax, kByte, kController, "none is declared or known"},
	{&kUnknownDax, kPage, {}, "cannot be synced"},
	{&kUnknownDax, {}, kDevice, "reach persistent memory itself"},
	{&kUnknownDax, {}, kSystem, "FI_OFI_PMEM_DOMAIN=system"},
	{&kUnknownDax, {}, PersistenceDomain::simulated, "never declared"},
	{&kUnknownDax, {}, PersistenceDomain::none_forced, "never declared"},
	{&kAdrDax, {}, kController, nullptr},
	{&kAdrDax, {}, kCaches, "says that it is memory controller"},
	{&kAdrDax, kByte, kCaches, "says that it is memory controller"},
	{&kAdrDax, kByte, {}, "none is declared or known"},
	{&kEadrDax, {}, kController, nullptr},
	{&kEadrDax, kByte, {}, nullptr},
	{&kDaxFile, kPage, {}, nullptr},
	{&kDaxFile, kPage, kDevice, nullptr},
	{&kDaxFile, kLine, kController, nullptr},
	{&kDaxFile, kLine, {}, "none is declared or known"},
	{&kAsyncDaxFile, kLine, {}, "refuses to map the file with MAP_SYNC"},
	{&kAsyncDaxFile, kLine, kController, "MAP_SYNC"},
	{&kAsyncDaxFile, kByte, kCaches, "MAP_SYNC"},
	{&kAsyncDaxFile, {}, kController, "MAP_SYNC"},
	{&kAsyncDaxFile, {}, kCaches, "MAP_SYNC"},
	{&kAsyncDaxFile, kPage, {}, nullptr},
	{&kAsyncDaxFile, kPage, kDevice, nullptr},
	{&kAdrDax, kLine, {}, nullptr},
};

} // namespace

TEST(RegionDeclaration, IsRefusedWhereLessIsKnown)
{
	for (const Case &one : kCases) {
		auto text = contradiction(declare(one.granularity, one.domain),
					  *one.known);
		auto row = &one - kCases;
		if (one.refused) {
			EXPECT_NE(text.find(one.refused), text.npos)
				<< "row " << row << ": " << text;
		} else {
			EXPECT_EQ(text, "") << "row " << row;
		}
	}
}

class DeclaredFile : public PersistTest
{
protected:
	void SetUp() override
	{
		PersistTest::SetUp();
		if (IsSkipped())
			return;
		memory_.emplace(len_, MAP_SHARED, fd_.get());
		declared_.fd = fd_.get();
	}

	Inspection inspect_declared() const
	{
		return inspect_memory(memory_->at(), memory_->size(),
				      never_captured, declared_);
	}

	void expect_refused(int error, const char *words) const
	{
		auto found = inspect_declared();
		EXPECT_EQ(found.error, error);
		EXPECT_NE(found.obstacle.find(words), std::string::npos)
			<< found.obstacle;
		EXPECT_FALSE(found.file.fd);
		/* FI_OFI_PMEM_REGIONS=all does not change that. */
		EXPECT_EQ(open(BackendChoice::pmem2, true), error);
	}

	int open(BackendChoice choice, bool forced = false) const
	{
		std::unique_ptr<Backend> backend;
		RegionMemory region{memory_->at(), memory_->size(), forced,
				    declared_};
		return open_default_backend(region, choice, &backend);
	}

	std::optional<Mapped> memory_;
	RegionDeclaration declared_;
};

TEST_F(DeclaredFile, NeedsNoName)
{
	std::string moved = path_ + ".moved";
	ASSERT_EQ(rename(path_.c_str(), moved.c_str()), 0);
	write_file(path_, "another");
	auto found = inspect_declared();
	ASSERT_EQ(found.error, 0) << found.obstacle;
	EXPECT_NE(found.file.fd.get(), fd_.get());
	char byte = 'x';
	EXPECT_EQ(pwrite(found.file.fd.get(), &byte, 1, 0), 1);
	EXPECT_EQ(*memory_->at(), 'x');
}

TEST_F(DeclaredFile, StaysTheRegionsWhenTheApplicationClosesIt)
{
	std::unique_ptr<Backend> backend;
	RegionMemory region{memory_->at(), memory_->size(), false, declared_};
	ASSERT_EQ(open_default_backend(region, BackendChoice::pmem2, &backend),
		  0);
	EXPECT_EQ(backend->granularity(), Granularity::page);
	fd_ = OwnedFd();
	bool stored = false;
	EXPECT_EQ(backend->store_flush(5, "durable", 7, &stored), 0);
	EXPECT_EQ(backend->drain(), 0);
	EXPECT_EQ(read_file(path_).substr(5, 7), "durable");
}

TEST_F(DeclaredFile, IsTheSimulationsToo)
{
	EXPECT_EQ(open(BackendChoice::powerfail), 0);
	/* Whose granularity and domain are its own. */
	declared_.granularity = kLine;
	declared_.domain = kCaches;
	EXPECT_EQ(open(BackendChoice::powerfail), 0);
	EXPECT_EQ(open(BackendChoice::pmem2), -FI_EINVAL);
}

TEST_F(DeclaredFile, BeginsWhereItIsSaidTo)
{
	Mapped second(page_, MAP_SHARED, fd_.get(), PROT_READ | PROT_WRITE,
		      static_cast<off_t>(page_));
	declared_.offset = page_ + 8;
	auto found =
		inspect_memory(second.at(8), 100, never_captured, declared_);
	EXPECT_EQ(found.error, 0) << found.obstacle;
	EXPECT_EQ(found.file.offset, page_ + 8);
	expect_refused(-FI_EINVAL, "declared from");
}

TEST_F(DeclaredFile, IsTheOneThatIsMapped)
{
	OwnedFd other = open_rw(dir_.file("other"));
	ASSERT_EQ(ftruncate(other.get(), static_cast<off_t>(len_)), 0);
	declared_.fd = other.get();
	expect_refused(-FI_EINVAL, "not of declared file descriptor");
	memory_.emplace(len_, MAP_PRIVATE | MAP_ANONYMOUS);
	expect_refused(-FI_EINVAL, "anonymous memory");
}

TEST_F(DeclaredFile, IsOpenAsStoresNeedIt)
{
	struct {
		int flags;
		int error;
		const char *words;
	} const rows[] = {
		{O_RDONLY, -FI_EACCES, "reading and writing"},
		{O_WRONLY, -FI_EACCES, "reading and writing"},
		{O_PATH, -FI_EINVAL, "not an open file"},
		{O_RDWR | O_APPEND, -FI_EINVAL, "O_APPEND"},
	};
	for (const auto &row : rows) {
		OwnedFd fd(::open(path_.c_str(), row.flags | O_CLOEXEC));
		ASSERT_TRUE(fd);
		declared_.fd = fd.get();
		expect_refused(row.error, row.words);
	}
	declared_.fd = 1 << 20;
	expect_refused(-FI_EINVAL, "not an open file");
}

TEST_F(DeclaredFile, OfTmpfsIsRefused)
{
	OwnedFd memfd(memfd_create("region", MFD_CLOEXEC));
	ASSERT_EQ(ftruncate(memfd.get(), static_cast<off_t>(len_)), 0);
	memory_.emplace(len_, MAP_SHARED, memfd.get());
	declared_.fd = memfd.get();
	EXPECT_EQ(open(BackendChoice::pmem2, true), -FI_EINVAL);
}

TEST_F(DeclaredFile, DomainAndGranularityGoBeforeWhatLibpmem2Finds)
{
	FileMapping file = as_map_sync();
	struct {
		std::optional<Granularity> granularity;
		std::optional<PersistenceDomain> domain;
		Granularity expected_granularity;
		PersistenceDomain expected_domain;
	} const rows[] = {
		{kLine, kCaches, kLine, kCaches},
		{kLine, {}, kLine, kController},
		{kByte, kCaches, kByte, kCaches},
		{kPage, {}, kPage, kDevice},
	};
	for (const auto &row : rows) {
		/* libpmem2 keeps some bytes of each map. */
		int status = run_in_child([&] {
			Pmem2Method method;
			if (choose_pmem2_method(
				    file, DomainChoice::automatic,
				    declare(row.granularity, row.domain),
				    &method))
				return 1;
			bool expected = method.functions.granularity ==
						row.expected_granularity &&
					method.domain == row.expected_domain &&
					!method.promised_by_user;
			return expected ? 0 : 2;
		});
		EXPECT_TRUE(exited_with(status, 0))
			<< "row " << &row - rows << ": " << WEXITSTATUS(status);
	}
}

/* Declared lines are written back, whatever libpmem2 thinks of the caches. */
TEST_F(DeclaredFile, LinesAreFlushedThoughLibpmem2WouldNot)
{
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "BYTE", 1);
		FileMapping file = as_map_sync();
		Pmem2Method bytes;
		Pmem2Method lines;
		if (choose_pmem2_method(file, DomainChoice::cpu_cache, {},
					&bytes) ||
		    choose_pmem2_method(file, DomainChoice::cpu_cache,
					declare(kLine, {}), &lines))
			return 1;
		return lines.functions.granularity == kLine &&
				       lines.functions.flush !=
					       bytes.functions.flush
			       ? 0
			       : 2;
	});
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}
