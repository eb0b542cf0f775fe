/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The production choice of a backend. It is in the library, and only its call
 * is in factory.cc, so that a test plug-in can wrap what it opens in a mutant.
 */
#pragma once

#include "core/params.hh"
#include "persist/backend.hh"

namespace ofi_pmem
{

/*
 * Has the contract of open_backend(), for a given choice. Further errors, all
 * logged, are -FI_EACCES (mapping or file is read-only), -FI_EFAULT (the range
 * is not mapped), and those of libpmem2 or the simulation.
 */
[[nodiscard]] int open_default_backend(const RegionMemory &memory,
				       BackendChoice choice,
				       std::unique_ptr<Backend> *backend);

} // namespace ofi_pmem
