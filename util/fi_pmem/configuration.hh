/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What ofi_pmem makes of its parameters in the environment. A provider that
 * does not like them offers nothing, and libfabric does not tell why: so the
 * tool reads them by the provider's own code.
 */
#pragma once

#include <string>

namespace fi_pmem
{

class Report;

/* Why ofi_pmem offers nothing; empty if its parameters are good. */
[[nodiscard]] std::string configuration_problem();

/* Warns, once, of variables that look like parameters and are none. */
void warn_unknown_variables(Report &report);

/* Whether ofi_pmem has an auth_key of its file. */
[[nodiscard]] bool has_auth_key();

} // namespace fi_pmem
