/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Says in words what is wrong with a file of region keys. The tool uses the
 * same code as the provider, which can only log, and only when a domain is
 * opened.
 */
#pragma once

#include <cstdint>
#include <string>

namespace ofi_pmem
{

/*
 * Returns why the provider would refuse the file that
 * FI_OFI_PMEM_SEAL_KEY_FILE names, with this FI_OFI_PMEM_SEAL_KEY_ID or 0: the
 * line and what is wrong with it, never a part of a key. Empty if it would not.
 */
[[nodiscard]] std::string key_file_problem(const std::string &path,
					   uint64_t id);

} // namespace ofi_pmem
