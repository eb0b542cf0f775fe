/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Explains why libfabric does not offer a provider, and what to write instead:
 * the name may be wrong, FI_PROVIDER may hide it, or the plug-in may not be
 * loaded.
 */
#pragma once

#include "client/fabric.hh"

#include <string>

namespace fi_pmem
{

/*
 * Returns a sentence about `provider`, which find_info() has asked for in vain:
 * that of the target, or the default one if that names none.
 */
[[nodiscard]] std::string why_not_offered(const Target &target,
					  const std::string &provider);

} // namespace fi_pmem
