/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Says in words what is wrong with the FI_OFI_PMEM_* variables of the
 * environment. The tool uses the same code as the provider, which can only log.
 */
#pragma once

#include <string>
#include <vector>

namespace ofi_pmem
{

/*
 * Returns why load_params() would fail: the variable, its value and what is
 * accepted, or what is wrong with the file that it names. Empty if it would
 * not.
 */
[[nodiscard]] std::string params_problem();

/* Returns variables that look like parameters but are none, as if misspelt. */
[[nodiscard]] std::vector<std::string> unknown_variables();

} // namespace ofi_pmem
