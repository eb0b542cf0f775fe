/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence domain of memory that is persistent itself: what sysfs says
 * of it (dax_memory.hh), unless the administrator declares it. What neither
 * says is not persistent memory: the kernel maps volatile memory, and memory
 * that a host must flush, in the same way.
 */
#pragma once

#include <optional>

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

namespace ofi_pmem
{

/*
 * Holds memory that inspect_memory() found persistent against what sysfs says
 * of the device below. Device DAX is refused unless its domain is known or
 * declared, and whatever is declared if it is known not to be persistent.
 * So is a file on volatile memory. A mapping with MAP_SYNC of whose memory not
 * enough is known is synced as that of any other file. Logs INFO at most.
 */
void check_dax_memory(DomainChoice administrator,
		      const RegionDeclaration &declared, Inspection *found);

/* The same once found->file.dax is known. */
void judge_dax_memory(DomainChoice administrator,
		      const RegionDeclaration &declared, Inspection *found);

/*
 * What the administrator declares, else the kernel tells, of memory that is
 * persistent itself: of anything else FI_OFI_PMEM_DOMAIN says nothing.
 */
std::optional<PersistenceDomain> known_domain(const FileMapping &file,
					      DomainChoice declared);

/* Likewise, and where nobody knows none. */
PersistenceDomain domain_of(const FileMapping &file, DomainChoice declared);

} // namespace ofi_pmem
