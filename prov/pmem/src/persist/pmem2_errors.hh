/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Translates libpmem2's return values to libfabric's. */
#pragma once

namespace ofi_pmem
{

/*
 * 0 stays 0; a negative errno is already a negative fi_errno; libpmem2's own
 * codes (PMEM2_E_*, -100000 and below) become the nearest fi_errno, or
 * -FI_EOTHER if there is none.
 */
[[nodiscard]] int from_pmem2(int ret) noexcept;

} // namespace ofi_pmem
