/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Advice fits what was found: it never names what is there already, nor what
 * cannot be had.
 */
#include "info/advice.hh"

#include <gmock/gmock.h>

namespace fi_pmem
{

namespace
{

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Probe found(fi_pmem_domain domain, fi_pmem_granularity granularity,
	    fi_pmem_method method, const char *provider = "tcp;ofi_pmem")
{
	Probe probe;
	probe.provider = provider;
	probe.attr.domain = domain;
	probe.attr.granularity = granularity;
	probe.attr.method = method;
	return probe;
}

Probe on_a_disk()
{
	return found(FI_PMEM_DOMAIN_DEVICE, FI_PMEM_GRANULARITY_PAGE,
		     FI_PMEM_METHOD_MESSAGE);
}

Probe over_verbs(fi_pmem_method method)
{
	return found(FI_PMEM_DOMAIN_MEMORY_CONTROLLER,
		     FI_PMEM_GRANULARITY_CACHE_LINE, method, "verbs;ofi_pmem");
}

using ofi_pmem::DaxKind;

const MemoryDevice kPmem{"pmem0", 1 << 30, "memory_controller", 0,
			 DaxKind::persistent};
const MemoryDevice kVirtio{"pmem1", 1 << 30, "", 1, DaxKind::host_flush};
const MemoryDevice kRam{"dax2.0", 1 << 30, "", 1, DaxKind::volatile_memory};
const MemoryDevice kLegacy{"pmem3", 1 << 30, "", 1, DaxKind::unstated};

RdmaDevice nic(unsigned node, bool flush)
{
	return {"mlx5_0", "ACTIVE", node, RdmaFlags{flush, flush, flush}};
}

TEST(Advice, OfADiskIsPersistentMemory)
{
	EXPECT_THAT(advise(on_a_disk(), {}, {}),
		    ElementsAre(HasSubstr("this host has none")));
	EXPECT_THAT(
		advise(on_a_disk(), {}, {kPmem}),
		ElementsAre(AllOf(HasSubstr("devdax"), HasSubstr("pmem0"))));
}

TEST(Advice, IsNeverMemoryThatIsNotPersistent)
{
	EXPECT_THAT(advise(on_a_disk(), {}, {kVirtio, kRam}),
		    ElementsAre(HasSubstr("this host has none")));
	EXPECT_THAT(
		advise(on_a_disk(), {}, {kVirtio, kRam, kPmem}),
		ElementsAre(AllOf(HasSubstr("devdax"), HasSubstr("pmem0"))));
	EXPECT_THAT(advise(on_a_disk(), {}, {kLegacy}),
		    ElementsAre(AllOf(HasSubstr("FI_OFI_PMEM_DOMAIN"),
				      HasSubstr("pmem3")),
				HasSubstr("this host has none")));
	/* The distance of such memory does not matter either. */
	EXPECT_THAT(advise(over_verbs(FI_PMEM_METHOD_NATIVE), {nic(0, true)},
			   {kPmem, kVirtio, kRam, kLegacy}),
		    IsEmpty());
}

TEST(Advice, OfTheBestThereIsNone)
{
	EXPECT_THAT(advise(over_verbs(FI_PMEM_METHOD_NATIVE), {nic(0, true)},
			   {kPmem}),
		    IsEmpty());
	EXPECT_THAT(advise(over_verbs(FI_PMEM_METHOD_READ), {nic(0, true)},
			   {kPmem}),
		    IsEmpty());
}

TEST(Advice, OfANicWithoutFlushIsOneWithIt)
{
	EXPECT_THAT(advise(over_verbs(FI_PMEM_METHOD_MESSAGE), {nic(0, false)},
			   {kPmem}),
		    ElementsAre(HasSubstr("IB FLUSH")));
}

TEST(Advice, ANicThatIsNotUsedIsNamed)
{
	auto tcp =
		found(FI_PMEM_DOMAIN_MEMORY_CONTROLLER,
		      FI_PMEM_GRANULARITY_CACHE_LINE, FI_PMEM_METHOD_MESSAGE);
	EXPECT_THAT(advise(tcp, {nic(0, true)}, {kPmem}),
		    ElementsAre(AllOf(HasSubstr("verbs;ofi_pmem"),
				      HasSubstr("mlx5_0"))));
	EXPECT_THAT(advise(tcp, {}, {kPmem}), IsEmpty());
}

TEST(Advice, AFarNicIsNamed)
{
	EXPECT_THAT(advise(over_verbs(FI_PMEM_METHOD_NATIVE), {nic(1, true)},
			   {kPmem}),
		    ElementsAre(AllOf(HasSubstr("NUMA"), HasSubstr("mlx5_0"),
				      HasSubstr("pmem0"))));
}

TEST(Advice, WhatIsNotDurableComesFirst)
{
	auto forced = on_a_disk();
	forced.attr.domain = FI_PMEM_DOMAIN_NONE;
	EXPECT_THAT(advise(forced, {}, {}),
		    ElementsAre(HasSubstr("PMEM2_FORCE_GRANULARITY"),
				HasSubstr("block device")));
	forced.attr.domain = FI_PMEM_DOMAIN_SIMULATED;
	EXPECT_THAT(advise(forced, {}, {}),
		    ElementsAre(HasSubstr("FI_OFI_PMEM_BACKEND"),
				HasSubstr("block device")));
}

} // namespace

} // namespace fi_pmem
