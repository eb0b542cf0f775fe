/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <string>

namespace ofi_pmem
{

/*
 * True if this is the first time in the process that `cause` keeps a region
 * from being durable. Middleware registers many regions alike, for which one
 * warning is enough; but each cause, and each file, has a warning of its own,
 * so `cause` names both. Any thread may call it; throws std::bad_alloc.
 */
bool is_new_cause(const std::string &cause);

} // namespace ofi_pmem
