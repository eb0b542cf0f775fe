/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence domain of a pmem device: what the kernel says of it, unless
 * the administrator declares it.
 */
#pragma once

#include <string>

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

namespace ofi_pmem
{

/*
 * Reads the attribute persistence_domain of the nearest directory at or above
 * `device` that has one (the nvdimm region of the device). Without one, or
 * with an unknown value, it is the weakest: the memory controller.
 */
PersistenceDomain read_domain(const std::string &device);

/*
 * Only for memory that is persistent itself: device DAX, or a mapping with
 * MAP_SYNC. Of anything else the declaration says nothing
 * (FI_OFI_PMEM_DOMAIN).
 */
PersistenceDomain domain_of(const FileMapping &file, DomainChoice declared);

} // namespace ofi_pmem
