/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The backend for regions that the CPU makes durable: device DAX and MAP_SYNC
 * mappings, flushed with libpmem2's functions for cache lines (ADR) or bytes
 * (eADR). Everything else has page granularity and belongs to page_backend.hh,
 * because libpmem2's page flush calls abort() if msync(2) fails.
 *
 * The functions come from a throw-away map of one page: libpmem2 refuses a
 * second map over memory that the application mapped through it, and
 * pmem2_map_from_existing(3) trusts the caller's granularity.
 */
#pragma once

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

#include <libpmem2.h>

namespace ofi_pmem
{

/* Has libpmem2's functions for one granularity, for the life of the process. */
struct Pmem2Functions {
	Granularity granularity = Granularity::page;
	pmem2_flush_fn flush = nullptr;
	pmem2_drain_fn drain = nullptr;
	pmem2_memcpy_fn memcpy = nullptr;
};

/* How to make the region of a file durable. */
struct Pmem2Method {
	Pmem2Functions functions;
	PersistenceDomain domain = PersistenceDomain::device;
	/* PMEM2_FORCE_GRANULARITY promises more than the hardware. */
	bool promised_by_user = false;
};

/*
 * Chooses page granularity unless the mapping reaches persistent memory itself
 * (device DAX, MAP_SYNC) or libpmem2's variable PMEM2_FORCE_GRANULARITY,
 * libpmem2(7), says otherwise. A forced granularity that the hardware does not
 * support is honoured, and its domain is none_forced. Errors of libpmem2 are
 * logged.
 *
 * The declared domain holds only for persistent memory itself. It does not keep
 * libpmem2 from flushing cache lines, which is never wrong; but if libpmem2
 * would flush nothing although the caches are outside the domain, they are
 * flushed.
 *
 * A granularity or domain that the application declares overrides all that; the
 * caller has checked it against what is known (region_declaration.hh).
 */
[[nodiscard]] int choose_pmem2_method(const FileMapping &file,
				      DomainChoice administrator,
				      const RegionDeclaration &declared,
				      Pmem2Method *method);

/*
 * Gets the functions of byte or cache-line granularity, whatever libpmem2
 * thinks of the platform. Returns 0 or a negative fi_errno.
 */
[[nodiscard]] int learn_functions(Granularity granularity,
				  Pmem2Functions *functions);

/* It is not for page granularity. */
class Pmem2Backend final : public Backend
{
public:
	Pmem2Backend(void *base, const Pmem2Method &method) noexcept
		: base_(static_cast<char *>(base)), method_(method)
	{
	}

	int flush(uint64_t offset, size_t len) noexcept override;
	int begin_drain(size_t commits,
			PendingDrain *pending) noexcept override;
	int store(uint64_t offset, const void *source,
		  size_t len) noexcept override;
	int store_flush(uint64_t offset, const void *source, size_t len,
			bool *stored) noexcept override;
	int load(uint64_t offset, void *target, size_t len) noexcept override;
	int read_back(uint64_t offset, size_t len,
		      ReadBackBuffer *into) noexcept override;
	Coverage coverage() const noexcept override;

	Granularity granularity() const noexcept override
	{
		return method_.functions.granularity;
	}
	PersistenceDomain domain() const noexcept override
	{
		return method_.domain;
	}
	bool one_sided() const noexcept override { return true; }

private:
	char *base_;
	Pmem2Method method_;
};

} // namespace ofi_pmem
