/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Granularity as libpmem2 and its variable PMEM2_FORCE_GRANULARITY decide it,
 * and the functions of the forced granularities. The variable changes the whole
 * process, so each value has a child of its own.
 */
#include "persist/pmem2_backend.hh"

#include "fixture/persist_fixture.hh"
#include "persist/default_backend.hh"
#include "persist/pmem2_errors.hh"

#include <rdma/fi_errno.h>

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <set>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

struct Expected {
	Granularity granularity;
	PersistenceDomain domain;
	bool one_sided;
};

/* Stores and reads back in every way; 0 or the number of the failed step. */
int exercise(Backend &backend, const Mapped &memory)
{
	std::string payload(1000, 'p');
	bool stored = false;
	if (backend.store(3, payload.data(), payload.size()) ||
	    backend.flush(3, payload.size()) || backend.drain())
		return 2;
	if (backend.store_flush(2000, payload.data(), payload.size(),
				&stored) ||
	    !stored || backend.drain())
		return 3;
	uint64_t word = 0x0123456789abcdef;
	if (backend.store_flush(3072, &word, sizeof(word), &stored) ||
	    !stored || backend.drain())
		return 4;
	std::string back(payload.size(), 0);
	if (backend.load(2000, back.data(), back.size()) || back != payload)
		return 5;
	if (memcmp(memory.at(3), payload.data(), payload.size()) ||
	    memcmp(memory.at(3072), &word, sizeof(word)))
		return 6;
	return 0;
}

/* Stores and flushes `len` bytes of ones, stopped before by SIGSTOP. */
int store_ones(const Mapped &memory, const char *forced, size_t len)
{
	setenv("PMEM2_FORCE_GRANULARITY", forced, 1);
	std::unique_ptr<Backend> backend;
	RegionMemory region{memory.at(), memory.size(), false};
	if (open_default_backend(region, BackendChoice::pmem2, &backend) ||
	    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr))
		return 1;
	uint64_t ones = UINT64_MAX;
	bool stored = false;
	raise(SIGSTOP);
	return backend->store_flush(0, &ones, len, &stored) || !stored ? 2 : 0;
}

/* Returns what the memory holds after each instruction of store_ones(). */
std::set<std::string> observe_store(const Mapped &memory, const char *forced,
				    size_t len)
{
	std::set<std::string> seen;
	pid_t child = fork();
	if (!child)
		_exit(store_ones(memory, forced, len));
	int status = 0;
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		seen.emplace(memory.at(), len);
		if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr))
			kill(child, SIGKILL);
	}
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
	seen.emplace(memory.at(), len);
	return seen;
}

int check(const Mapped &memory, const char *forced, const Expected &expected)
{
	if (forced)
		setenv("PMEM2_FORCE_GRANULARITY", forced, 1);
	else
		unsetenv("PMEM2_FORCE_GRANULARITY");
	std::unique_ptr<Backend> backend;
	RegionMemory region{memory.at(), memory.size(), false};
	if (open_default_backend(region, BackendChoice::automatic, &backend))
		return 1;
	if (backend->granularity() != expected.granularity ||
	    backend->domain() != expected.domain ||
	    backend->one_sided() != expected.one_sided)
		return 10;
	return exercise(*backend, memory);
}

} // namespace

class Pmem2BackendTest : public PersistTest
{
protected:
	void expect(const char *forced, const Expected &expected, size_t len)
	{
		Mapped memory(len, MAP_SHARED, fd_.get());
		int status = run_in_child(
			[&] { return check(memory, forced, expected); });
		EXPECT_TRUE(exited_with(status, 0))
			<< "step " << WEXITSTATUS(status);
	}
};

constexpr Expected kPage{Granularity::page, PersistenceDomain::device, false};
constexpr Expected kForcedLine{Granularity::cache_line,
			       PersistenceDomain::none_forced, true};
constexpr Expected kForcedByte{Granularity::byte,
			       PersistenceDomain::none_forced, true};

TEST_F(Pmem2BackendTest, OrdinaryFileIsOfPageGranularity)
{
	expect(nullptr, kPage, len_);
}

TEST_F(Pmem2BackendTest, ForcedPageKeepsTheDeviceDomain)
{
	expect("PAGE", kPage, len_);
}

TEST_F(Pmem2BackendTest, ForcedCacheLineIsHonouredAndSaidToBeForced)
{
	expect("CACHE_LINE", kForcedLine, len_);
}

TEST_F(Pmem2BackendTest, ForcedByteIsHonouredAndSaidToBeForced)
{
	expect("byte", kForcedByte, len_);
}

TEST_F(Pmem2BackendTest, AlignedIntegersAreFlushedAsOneStore)
{
	Mapped memory(len_, MAP_SHARED, fd_.get());
	for (const char *forced : {"CACHE_LINE", "BYTE"}) {
		for (size_t len : {1, 2, 4, 8}) {
			std::fill_n(memory.at(), len, '\0');
			std::set<std::string> whole{std::string(len, '\0'),
						    std::string(len, '\xff')};
			EXPECT_EQ(observe_store(memory, forced, len), whole)
				<< forced << ", bytes " << len;
		}
	}
}

TEST_F(Pmem2BackendTest, FileOfPartOfAPageIsProbed)
{
	ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(page_ - 100)), 0);
	expect("CACHE_LINE", kForcedLine, page_ - 100);
}

TEST_F(Pmem2BackendTest, ValueThatLibpmem2DoesNotKnowForcesNothing)
{
	expect("HUGE", kPage, len_);
}

TEST_F(Pmem2BackendTest, RegionMappedByTheApplicationThroughLibpmem2IsTaken)
{
	pmem2_source *source = nullptr;
	pmem2_config *config = nullptr;
	pmem2_map *map = nullptr;
	ASSERT_EQ(pmem2_source_from_fd(&source, fd_.get()), 0);
	ASSERT_EQ(pmem2_config_new(&config), 0);
	ASSERT_EQ(pmem2_config_set_required_store_granularity(
			  config, PMEM2_GRANULARITY_PAGE),
		  0);
	ASSERT_EQ(pmem2_map_new(&map, config, source), 0);
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
		std::unique_ptr<Backend> backend;
		RegionMemory region{pmem2_map_get_address(map),
				    pmem2_map_get_size(map), false};
		return open_default_backend(region, BackendChoice::pmem2,
					    &backend)
			       ? 1
			       : 0;
	});
	EXPECT_TRUE(exited_with(status, 0));
	pmem2_map_delete(&map);
	pmem2_config_delete(&config);
	pmem2_source_delete(&source);
}

TEST_F(Pmem2BackendTest, EmptyFileIsLibpmem2sError)
{
	setenv("PMEM2_FORCE_GRANULARITY", "BYTE", 1);
	FileMapping file;
	write_file(dir_.file("empty"), "");
	file.fd = open_rw(dir_.file("empty"));
	Pmem2Method method;
	EXPECT_EQ(
		choose_pmem2_method(file, DomainChoice::automatic, {}, &method),
		-FI_EINVAL);
	unsetenv("PMEM2_FORCE_GRANULARITY");
}

/*
 * How a declared domain changes the file's mapping, as if it were one of
 * persistent memory or not.
 */
struct Declaration {
	bool map_sync;
	const char
		*granularity; /* what libpmem2 finds, here made so by force */
	DomainChoice declared;
	PersistenceDomain domain;
};

constexpr auto kUndeclared = DomainChoice::automatic;
constexpr auto kController = DomainChoice::memory_controller;
constexpr auto kCache = DomainChoice::cpu_cache;
constexpr auto kSystem = DomainChoice::system;

const Declaration kDeclarations[] = {
	{true, "CACHE_LINE", kUndeclared, PersistenceDomain::memory_controller},
	{true, "CACHE_LINE", kController, PersistenceDomain::memory_controller},
	{true, "CACHE_LINE", kCache, PersistenceDomain::cpu_cache},
	{true, "CACHE_LINE", kSystem, PersistenceDomain::system},
	{true, "BYTE", kUndeclared, PersistenceDomain::none_forced},
	{true, "BYTE", kController, PersistenceDomain::none_forced},
	{true, "BYTE", kCache, PersistenceDomain::cpu_cache},
	{true, "BYTE", kSystem, PersistenceDomain::system},
	/* Never more than it is. */
	{true, "PAGE", kSystem, PersistenceDomain::device},
	{false, "PAGE", kSystem, PersistenceDomain::device},
	{false, nullptr, kSystem, PersistenceDomain::device},
	{false, nullptr, kCache, PersistenceDomain::device},
	{false, "CACHE_LINE", kSystem, PersistenceDomain::none_forced},
	{false, "BYTE", kCache, PersistenceDomain::none_forced},
};

TEST_F(Pmem2BackendTest, DeclaredDomainHoldsForPersistentMemoryOnly)
{
	for (const auto &row : kDeclarations) {
		FileMapping file = as_map_sync();
		file.map_sync = row.map_sync;
		int status = run_in_child([&] {
			if (row.granularity)
				setenv("PMEM2_FORCE_GRANULARITY",
				       row.granularity, 1);
			Pmem2Method method;
			if (choose_pmem2_method(file, row.declared, {},
						&method))
				return 99;
			return static_cast<int>(method.domain);
		});
		EXPECT_TRUE(exited_with(status, static_cast<int>(row.domain)))
			<< "row " << &row - kDeclarations << " domain "
			<< WEXITSTATUS(status);
	}
}

TEST_F(Pmem2BackendTest, DeclaredCachesDoNotStopLibpmem2FromFlushingLines)
{
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
		FileMapping file = as_map_sync();
		Pmem2Method method;
		if (choose_pmem2_method(file, kCache, {}, &method))
			return 1;
		return method.functions.granularity == Granularity::cache_line
			       ? 0
			       : 2;
	});
	EXPECT_TRUE(exited_with(status, 0));
}

/* A region that is only read. */
TEST_F(Pmem2BackendTest, FileThatIsOpenForReadingSuffices)
{
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
		FileMapping file;
		file.fd = OwnedFd(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
		file.file_size = len_;
		file.map_sync = true;
		Pmem2Method method;
		if (choose_pmem2_method(file, kCache, {}, &method))
			return 1;
		return method.functions.granularity == Granularity::cache_line
			       ? 0
			       : 2;
	});
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

TEST_F(Pmem2BackendTest, LineFunctionsAreToBeHadWhereLibpmem2FlushesNothing)
{
	int status = run_in_child([&] {
		setenv("PMEM2_FORCE_GRANULARITY", "BYTE", 1);
		FileMapping file = as_map_sync();
		Pmem2Method bytes;
		Pmem2Method lines;
		if (choose_pmem2_method(file, kCache, {}, &bytes) ||
		    learn_functions(Granularity::cache_line, &lines.functions))
			return 1;
		if (lines.functions.granularity != Granularity::cache_line ||
		    lines.functions.flush == bytes.functions.flush)
			return 7;
		Mapped memory(len_, MAP_SHARED, fd_.get());
		Pmem2Backend backend(memory.at(), lines);
		return exercise(backend, memory);
	});
	EXPECT_TRUE(exited_with(status, 0)) << WEXITSTATUS(status);
}

TEST(Pmem2Errors, AreTranslated)
{
	EXPECT_EQ(from_pmem2(0), 0);
	EXPECT_EQ(from_pmem2(-ENOSPC), -FI_ENOSPC);
	EXPECT_EQ(from_pmem2(PMEM2_E_NO_ACCESS), -FI_EACCES);
	EXPECT_EQ(from_pmem2(PMEM2_E_NOSUPP), -FI_EOPNOTSUPP);
	EXPECT_EQ(from_pmem2(PMEM2_E_SOURCE_EMPTY), -FI_EINVAL);
	EXPECT_EQ(from_pmem2(PMEM2_E_IO_FAIL), -FI_EIO);
	EXPECT_EQ(from_pmem2(PMEM2_E_MAP_EXISTS), -FI_EBUSY);
	EXPECT_EQ(from_pmem2(PMEM2_E_UNKNOWN), -FI_EOTHER);
}
