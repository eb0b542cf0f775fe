/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The properties of a region that its target declares to initiators. Their
 * values travel in wire::Region.
 */
#pragma once

#include <cstdint>

namespace ofi_pmem
{

/* The unit in which stores become durable, as pmem2_granularity. */
enum class Granularity : uint8_t { byte = 1, cache_line = 2, page = 3 };

/* Where a flushed store is safe from a power failure. */
enum class PersistenceDomain : uint8_t {
	none_forced = 1,       /* not persistent memory, but forced */
	memory_controller = 2, /* ADR */
	cpu_cache = 3,	       /* eADR */
	device = 4,	       /* a block device, through a file system */
	simulated = 5,	       /* the power-failure simulation */
	system = 6, /* WSP: the NIC's buffers too; only ever declared */
};

/* True if the content of the CPU's caches survives a power failure. */
constexpr bool caches_persist(PersistenceDomain domain) noexcept
{
	return domain == PersistenceDomain::cpu_cache ||
	       domain == PersistenceDomain::system;
}

const char *to_string(Granularity granularity) noexcept;
const char *to_string(PersistenceDomain domain) noexcept;

/* Says which copy of the bytes read_back() reads. */
enum class Coverage : uint8_t {
	cache = 1,  /* as programs see them; may be volatile */
	domain = 2, /* in the persistence domain */
	device = 3, /* as a block device returns them */
};

} // namespace ofi_pmem
