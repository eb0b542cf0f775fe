/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Says what ofi_pmem makes of its parameters in the environment. A provider
 * that rejects them offers nothing, and libfabric does not report why, so the
 * tool reads them by the provider's own code.
 */
#pragma once

#include <string>

namespace fi_pmem
{

class ErrorSink;

/*
 * Returns why ofi_pmem offers nothing, or what is wrong with its file of region
 * keys, which it reads later; empty if all is good.
 */
[[nodiscard]] std::string configuration_problem();

/* Warns, once, about variables that look like parameters but are none. */
void warn_unknown_variables(ErrorSink &sink);

/* Returns whether ofi_pmem has an auth_key from its file. */
[[nodiscard]] bool has_auth_key();

} // namespace fi_pmem
