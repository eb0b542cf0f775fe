/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The choice of the durability method, as the table in fi_pmem(7), METHODS:
 * twelve target configurations times transports times granularities. A cell
 * holds the letters of the methods that are safe there, the weakest first:
 * M message, R read, N native, A ack. Left to itself the last is chosen; each
 * that a cell lacks is refused when forced.
 */
#include "initiator/method.hh"

#include "fake/fake_backend.hh"
#include "service/declaration.hh"

#include <gtest/gtest.h>
#include <rdma/fi_errno.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

using namespace ofi_pmem;
using namespace ofi_pmem::test;

namespace
{

/* The columns: what carries the writes, and what places them. */
enum Column { rc_flush, rc, rc_vouched, rxe, tcp, kColumns };

constexpr const char *kColumnNames[kColumns] = {
	"hardware RC with FLUSH", "hardware RC without FLUSH",
	"hardware RC with FLUSH, vouched", "Soft-RoCE", "tcp"};

constexpr auto kDmp = PersistenceDomain::memory_controller;
constexpr auto kMhp = PersistenceDomain::cpu_cache;
constexpr auto kWsp = PersistenceDomain::system;
constexpr bool kOn = false; /* TargetTraits::ddio_off */
constexpr bool kOff = true;

/* Our receive buffers are DRAM: with PM the row is as its DRAM neighbour. */
enum class Buffers { dram, pm };

struct Row {
	int number;
	PersistenceDomain domain;
	bool ddio_off;
	Buffers buffers;
	/* The safe methods, by Column, at cache-line or byte granularity. */
	const char *safe[kColumns];
};

const Row kRows[] = {
	/*                                 RC+F    RC    vouch   rxe     tcp */
	{1, kDmp, kOn, Buffers::dram, {"M", "M", "MN", "MN", "M"}},
	{2, kDmp, kOn, Buffers::pm, {"M", "M", "MN", "MN", "M"}},
	{3, kDmp, kOff, Buffers::dram, {"MRN", "MR", "MRN", "MN", "M"}},
	{4, kDmp, kOff, Buffers::pm, {"MRN", "MR", "MRN", "MN", "M"}},
	{5, kMhp, kOn, Buffers::dram, {"MRN", "MR", "MRN", "MRN", "M"}},
	{6, kMhp, kOn, Buffers::pm, {"MRN", "MR", "MRN", "MRN", "M"}},
	{7, kMhp, kOff, Buffers::dram, {"MRN", "MR", "MRN", "MRN", "M"}},
	{8, kMhp, kOff, Buffers::pm, {"MRN", "MR", "MRN", "MRN", "M"}},
	{9, kWsp, kOn, Buffers::dram, {"MRNA", "MRA", "MRNA", "MRNA", "M"}},
	{10, kWsp, kOn, Buffers::pm, {"MRNA", "MRA", "MRNA", "MRNA", "M"}},
	{11, kWsp, kOff, Buffers::dram, {"MRNA", "MRA", "MRNA", "MRNA", "M"}},
	{12, kWsp, kOff, Buffers::pm, {"MRNA", "MRA", "MRNA", "MRNA", "M"}},
};

TargetTraits target_of(const Row &row, int column)
{
	TargetTraits target;
	target.granularity = Granularity::cache_line;
	target.domain = row.domain;
	target.one_sided = true;
	target.readable = true;
	target.ddio_off = row.ddio_off;
	target.vouched = column == rc_vouched;
	target.flushable =
		column == rc_flush || column == rc_vouched || column == rxe;
	target.software_nic = column == rxe || column == tcp;
	return target;
}

TransportTraits transport_of(int column)
{
	TransportTraits transport;
	transport.reliable_ack = column != tcp;
	/* The missing FLUSH of column rc is the target's. */
	transport.native_flush = column != tcp;
	transport.placement_wait = true;
	transport.one_sided = column != tcp;
	return transport;
}

struct Named {
	char letter;
	MethodChoice choice;
	Method method;
};

constexpr Named kMethods[] = {
	{'M', MethodChoice::message, Method::message},
	{'R', MethodChoice::read, Method::read},
	{'N', MethodChoice::native, Method::native},
	{'A', MethodChoice::ack, Method::ack},
};

Method method_of(char letter)
{
	for (const Named &named : kMethods) {
		if (named.letter == letter)
			return named.method;
	}
	return Method{0};
}

/* Automatic and every forced choice; `safe` as a cell of the table. */
void expect_cell(const std::string &safe, const TargetTraits &target,
		 const TransportTraits &transport)
{
	auto automatic =
		decide_method(target, transport, MethodChoice::automatic);
	EXPECT_EQ(automatic.error, 0);
	EXPECT_STREQ(to_string(automatic.method),
		     to_string(method_of(safe.back())));
	ASSERT_NE(automatic.reason, nullptr);
	EXPECT_GT(std::strlen(automatic.reason), 10u);
	for (const Named &named : kMethods) {
		SCOPED_TRACE(std::string("forced ") + named.letter);
		auto forced = decide_method(target, transport, named.choice);
		bool is_safe = safe.find(named.letter) != safe.npos;
		EXPECT_EQ(forced.error, is_safe ? 0 : -FI_EOPNOTSUPP);
		EXPECT_EQ(forced.method,
			  is_safe ? named.method : Method::message);
		ASSERT_NE(forced.reason, nullptr);
		EXPECT_GT(std::strlen(forced.reason), 10u);
	}
}

/* The cells of one line of a table in markdown, which begins with "|". */
std::vector<std::string> cells_of(const std::string &line)
{
	std::vector<std::string> cells;
	std::istringstream words(line.substr(1));
	for (std::string cell; std::getline(words, cell, '|');) {
		size_t begin = cell.find_first_not_of(' ');
		size_t end = cell.find_last_not_of(' ');
		if (begin != cell.npos)
			cells.push_back(cell.substr(begin, end - begin + 1));
	}
	return cells;
}

void expect_documented(const Row &row, const std::vector<std::string> &cells)
{
	const char *domain = row.domain == kDmp	  ? "DMP"
			     : row.domain == kMhp ? "MHP"
						  : "WSP";
	EXPECT_EQ(cells[1], domain);
	EXPECT_TRUE(cells[2] == "any" ||
		    cells[2] == (row.ddio_off ? "off" : "on"));
	for (size_t column = 0; column < kColumns; column++) {
		const char *safe = row.safe[column];
		EXPECT_EQ(cells[3 + column],
			  to_string(method_of(safe[std::strlen(safe) - 1])))
			<< kColumnNames[column];
	}
}

/* The strongest of everything; a test takes one thing away. */
TargetTraits best_target()
{
	TargetTraits target = target_of(kRows[11], rc_flush);
	target.vouched = true;
	return target;
}

wire::Region best_region()
{
	auto region = wire::make<wire::Region>(1, 1);
	region.granularity = static_cast<uint8_t>(Granularity::byte);
	region.domain = static_cast<uint8_t>(PersistenceDomain::system);
	region.one_sided = 1;
	region.access = wire::kRemoteRead | wire::kRemoteWrite;
	region.traits = wire::kDdioOff | wire::kVouched | wire::kFlushable;
	return region;
}

void expect_weakest(const TargetTraits &target)
{
	for (int column = 0; column < kColumns; column++) {
		SCOPED_TRACE(kColumnNames[column]);
		expect_cell("M", target, transport_of(column));
	}
}

} // namespace

TEST(Method, EveryCellOfTheTable)
{
	for (const Row &row : kRows) {
		for (int column = 0; column < kColumns; column++) {
			SCOPED_TRACE("row " + std::to_string(row.number) +
				     ", " + kColumnNames[column]);
			TargetTraits target = target_of(row, column);
			expect_cell(row.safe[column], target,
				    transport_of(column));
			target.granularity = Granularity::byte;
			expect_cell(row.safe[column], target,
				    transport_of(column));
		}
	}
}

TEST(Method, PageGranularityIsMessageInEveryCell)
{
	for (const Row &row : kRows) {
		for (int column = 0; column < kColumns; column++) {
			SCOPED_TRACE("row " + std::to_string(row.number) +
				     ", " + kColumnNames[column]);
			TargetTraits target = target_of(row, column);
			target.granularity = Granularity::page;
			expect_cell("M", target, transport_of(column));
		}
	}
}

/* The man page's table has rows such as "| 5-8 | MHP | any | native | ...". */
TEST(Method, TheManPageHasTheSameTable)
{
	const char *srcdir = std::getenv("srcdir");
	std::ifstream page(std::string(srcdir ? srcdir : "..") +
			   "/man/fi_pmem.7.md");
	if (!page)
		GTEST_SKIP() << "set srcdir to the top of the source tree";
	size_t found = 0;
	for (std::string line; std::getline(page, line);) {
		int first = 0;
		int last = 0;
		if (std::sscanf(line.c_str(), "| %d-%d |", &first, &last) != 2)
			continue;
		SCOPED_TRACE(line);
		auto cells = cells_of(line);
		ASSERT_EQ(cells.size(), 3u + kColumns);
		for (const Row &row : kRows) {
			if (row.number < first || row.number > last)
				continue;
			found++;
			expect_documented(row, cells);
		}
	}
	EXPECT_EQ(found, std::size(kRows));
}

TEST(Method, NothingIsSafeButMessageUntilDeclared)
{
	expect_weakest(TargetTraits{});
	expect_cell("M", best_target(), TransportTraits{});
}

TEST(Method, MemoryWithoutOneSidedAccessIsMessage)
{
	TargetTraits target = best_target();
	target.one_sided = false;
	expect_weakest(target);
}

TEST(Method, OnlyPersistentMemoryIsMoreThanMessage)
{
	for (auto domain :
	     {PersistenceDomain::none_forced, PersistenceDomain::device,
	      PersistenceDomain::simulated, PersistenceDomain{0},
	      PersistenceDomain{7}, PersistenceDomain{255}}) {
		SCOPED_TRACE(to_string(domain));
		TargetTraits target = best_target();
		target.domain = domain;
		expect_weakest(target);
	}
}

TEST(Method, UnknownGranularityIsMessage)
{
	for (auto granularity : {Granularity{0}, Granularity{4}}) {
		TargetTraits target = best_target();
		target.granularity = granularity;
		expect_weakest(target);
	}
}

/* An initiator on Soft-RoCE may write to hardware, and the reverse. */
TEST(Method, PlacementIsTheTargetNicsNotTheInitiators)
{
	TargetTraits hardware = target_of(kRows[2], rc_flush);
	expect_cell("MRN", hardware, transport_of(rxe));
	TargetTraits software = target_of(kRows[2], rxe);
	expect_cell("MN", software, transport_of(rc));
}

TEST(Method, DdioOffMeansNothingWhereTheCpuPlaces)
{
	TargetTraits target = target_of(kRows[2], rc);
	expect_cell("MR", target, transport_of(rc));
	target.software_nic = true;
	expect_cell("M", target, transport_of(rc));
	/* tcp through a NIC that the target says is hardware. */
	target.software_nic = false;
	expect_cell("M", target, transport_of(tcp));
}

TEST(Method, AckNeedsARemoteNicThatAcknowledges)
{
	/* iWARP: reads, but completes when the local TCP stack is done. */
	TransportTraits iwarp;
	iwarp.placement_wait = true;
	expect_cell("MR", target_of(kRows[8], rc_flush), iwarp);
	expect_cell("MR", target_of(kRows[2], rc_flush), iwarp);
	expect_cell("M", target_of(kRows[0], rc_flush), iwarp);
}

TEST(Method, NativeNeedsFlushOnBothSides)
{
	TransportTraits transport = transport_of(rc);
	transport.native_flush = false;
	expect_cell("MR", target_of(kRows[2], rc_flush), transport);
	expect_cell("M", target_of(kRows[0], rxe), transport);
	expect_cell("M", target_of(kRows[0], rc_vouched), transport);
	TargetTraits target = target_of(kRows[0], rc_vouched);
	target.flushable = false;
	expect_cell("M", target, transport_of(rc));
}

TEST(Method, VouchingIsForNativeOnly)
{
	TargetTraits target = target_of(kRows[0], rc);
	target.vouched = true;
	expect_cell("M", target, transport_of(rc));
}

TEST(Method, ReadNeedsAnOperationThatWaitsForPlacement)
{
	TransportTraits transport = transport_of(rc);
	transport.placement_wait = false;
	expect_cell("M", target_of(kRows[4], rc), transport);
}

TEST(Method, RefusalsSayWhatWouldMakeItSafe)
{
	TransportTraits transport = transport_of(rc);
	TargetTraits target = target_of(kRows[0], rc_flush);
	auto reason = [&](MethodChoice forced) {
		return std::string(
			decide_method(target, transport, forced).reason);
	};
	auto has = [](const std::string &text, const char *part) {
		return text.find(part) != text.npos;
	};
	EXPECT_TRUE(has(reason(MethodChoice::read), "FI_OFI_PMEM_DDIO=off"));
	EXPECT_TRUE(has(reason(MethodChoice::native),
			"FI_OFI_PMEM_NATIVE_FLUSH=vouched"));
	EXPECT_TRUE(
		has(reason(MethodChoice::ack), "FI_OFI_PMEM_DOMAIN=system"));
	/* Chosen, for what stands against the others. */
	EXPECT_TRUE(has(reason(MethodChoice::automatic), "DDIO"));
	target.granularity = Granularity::page;
	EXPECT_TRUE(has(reason(MethodChoice::native), "MAP_SYNC"));
	target.domain = PersistenceDomain::simulated;
	EXPECT_TRUE(has(reason(MethodChoice::read), "powerfail"));
}

TEST(MethodWire, TraitsArriveAsDeclared)
{
	TargetTraits target = target_traits(best_region());
	EXPECT_EQ(target.granularity, Granularity::byte);
	EXPECT_EQ(target.domain, PersistenceDomain::system);
	EXPECT_TRUE(target.one_sided);
	EXPECT_TRUE(target.ddio_off);
	EXPECT_TRUE(target.vouched);
	EXPECT_TRUE(target.flushable);
	EXPECT_FALSE(target.software_nic);
	expect_cell("MRNA", target, transport_of(rc));
}

TEST(MethodWire, ReadNeedsAReadableRegion)
{
	auto region = best_region();
	region.access = wire::kRemoteWrite;
	expect_cell("MNA", target_traits(region), transport_of(rc_flush));
}

TEST(MethodWire, SilenceIsTheWeakest)
{
	expect_weakest(target_traits(wire::make<wire::Region>(1, 1)));
}

TEST(MethodWire, EveryValueThatIsNotKnownIsTheWeakest)
{
	for (int value = 0; value < 256; value++) {
		SCOPED_TRACE(value);
		auto region = best_region();
		region.domain = static_cast<uint8_t>(value);
		bool durable = value == 2 || value == 3 || value == 6;
		auto target = target_traits(region);
		EXPECT_STRNE(to_string(target.domain), "unknown");
		auto decision = decide_method(target, transport_of(rc),
					      MethodChoice::automatic);
		EXPECT_EQ(decision.method != Method::message, durable);

		region = best_region();
		region.granularity = static_cast<uint8_t>(value);
		target = target_traits(region);
		EXPECT_STRNE(to_string(target.granularity), "unknown");
		decision = decide_method(target, transport_of(rc),
					 MethodChoice::automatic);
		EXPECT_EQ(decision.method != Method::message,
			  value == 1 || value == 2);

		region = best_region();
		region.one_sided = static_cast<uint8_t>(value);
		EXPECT_EQ(target_traits(region).one_sided, value == 1);

		region.alignment = static_cast<uint8_t>(value);
		bool known = value == 2 || value == 4 || value == 8;
		EXPECT_EQ(target_traits(region).failure_atomic,
			  known ? static_cast<size_t>(value) : 1);
	}
}

TEST(MethodWire, UnknownTraitBitsMeanNothing)
{
	auto region = best_region();
	region.domain = static_cast<uint8_t>(kDmp);
	region.traits = 0xf0;
	region.digests = 0xff;
	region.coverage = 0xff;
	expect_weakest(target_traits(region));
}

class Declare : public testing::Test
{
protected:
	TargetTraits declared(const NicTraits &nic)
	{
		auto answer = wire::make<wire::Region>(1, 1);
		declare(backend_, nic, administrator_, &answer);
		return target_traits(answer);
	}

	FakeMedium medium_{64};
	FakeBackend backend_{&medium_};
	Params administrator_;
};

TEST_F(Declare, SaysWhatTheBackendIs)
{
	TargetTraits target = declared(NicTraits{});
	EXPECT_EQ(target.granularity, Granularity::cache_line);
	EXPECT_EQ(target.domain, PersistenceDomain::simulated);
}

TEST_F(Declare, SaysNothingByDefault)
{
	TargetTraits target = declared(NicTraits{});
	EXPECT_FALSE(target.ddio_off);
	EXPECT_FALSE(target.vouched);
	EXPECT_FALSE(target.flushable);
	EXPECT_FALSE(target.software_nic);
}

TEST_F(Declare, DdioIsOffOnHardwareOnly)
{
	administrator_.ddio = DdioChoice::off;
	EXPECT_TRUE(declared({NicKind::hardware, false}).ddio_off);
	EXPECT_FALSE(declared({NicKind::software, false}).ddio_off);
	EXPECT_FALSE(declared({NicKind::unknown, false}).ddio_off);
	administrator_.ddio = DdioChoice::on;
	EXPECT_FALSE(declared({NicKind::hardware, false}).ddio_off);
}

TEST_F(Declare, NativeFlushIsVouchedForOrOff)
{
	NicTraits nic{NicKind::hardware, true};
	EXPECT_TRUE(declared(nic).flushable);
	EXPECT_FALSE(declared(nic).vouched);
	administrator_.native_flush = NativeFlushChoice::vouched;
	EXPECT_TRUE(declared(nic).flushable);
	EXPECT_TRUE(declared(nic).vouched);
	EXPECT_FALSE(declared({NicKind::hardware, false}).flushable);
	administrator_.native_flush = NativeFlushChoice::off;
	EXPECT_FALSE(declared(nic).flushable);
	EXPECT_FALSE(declared(nic).vouched);
}

TEST_F(Declare, SoftwareNicSaysSo)
{
	EXPECT_TRUE(declared({NicKind::software, true}).software_nic);
	EXPECT_FALSE(declared({NicKind::hardware, true}).software_nic);
}
