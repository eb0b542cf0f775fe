/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence domain of a pmem device: what the kernel says of it, unless
 * the administrator declares it.
 */
#pragma once

#include <optional>
#include <string>

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

namespace ofi_pmem
{

/*
 * Reads the attribute persistence_domain of the nearest directory at or above
 * `device` that has one (the nvdimm region of the device). Nothing without one;
 * an unknown value is the weakest: the memory controller.
 */
std::optional<PersistenceDomain> read_domain(const std::string &device);

/*
 * What the administrator declares, else the kernel tells, of memory that is
 * persistent itself.
 */
std::optional<PersistenceDomain> known_domain(const FileMapping &file,
					      DomainChoice declared);

/*
 * Likewise, and where nobody knows the weakest. Only for memory that is
 * persistent itself: of anything else FI_OFI_PMEM_DOMAIN says nothing.
 */
PersistenceDomain domain_of(const FileMapping &file, DomainChoice declared);

} // namespace ofi_pmem
