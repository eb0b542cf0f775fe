/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What is wrong with the FI_OFI_PMEM_* variables of the environment, in words.
 * The tool asks the same code as the provider does, which can only log it.
 */
#pragma once

#include <string>
#include <vector>

namespace ofi_pmem
{

/*
 * Why load_params() would fail: the variable, its value and what is accepted,
 * or what is wrong with the file that it names. Empty if it would not.
 */
[[nodiscard]] std::string params_problem();

/* Variables that look like parameters and are none, such as misspelt ones. */
[[nodiscard]] std::vector<std::string> unknown_variables();

} // namespace ofi_pmem
