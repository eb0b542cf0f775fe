/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence domain of memory that is persistent itself: what sysfs says
 * (dax_memory.hh), unless the administrator declares it. Memory for which
 * neither says anything is not persistent: the kernel maps volatile memory, and
 * memory that a host must flush, in the same way.
 */
#pragma once

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

#include <optional>

namespace ofi_pmem
{

/*
 * Checks memory that inspect_memory() found persistent against what sysfs says
 * about the device below. Device DAX is refused unless its domain is known or
 * declared; if it is known not to be persistent, it is refused whatever is
 * declared, and so is a file on volatile memory. A mapping with MAP_SYNC is
 * synced like that of any other file if not enough is known about its memory.
 * Logs INFO at most.
 */
void check_dax_memory(DomainChoice administrator,
		      const RegionDeclaration &declared, Inspection *found);

/* Does the same once found->file.dax is known. */
void judge_dax_memory(DomainChoice administrator,
		      const RegionDeclaration &declared, Inspection *found);

/*
 * Returns what the administrator declares, or else the kernel reports, for
 * memory that is persistent itself. FI_OFI_PMEM_DOMAIN says nothing about
 * other memory.
 */
std::optional<PersistenceDomain> known_domain(const FileMapping &file,
					      DomainChoice declared);

/* Returns the same, or none_forced if the domain is unknown. */
PersistenceDomain domain_of(const FileMapping &file, DomainChoice declared);

} // namespace ofi_pmem
