/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* What the kernel says of the persistence domain of a pmem device. */
#pragma once

#include <string>

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

/* For device DAX or a file on a DAX file system. */
PersistenceDomain domain_of(const FileMapping &file);

} // namespace ofi_pmem
