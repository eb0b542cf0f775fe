/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* libpmem2's return values in libfabric's vocabulary. */
#pragma once

namespace ofi_pmem
{

/*
 * 0 stays 0; a negative errno is a negative fi_errno already; libpmem2's own
 * codes (PMEM2_E_*, -100000 and below) become the nearest fi_errno, and what
 * has none -FI_EOTHER.
 */
[[nodiscard]] int from_pmem2(int ret) noexcept;

} // namespace ofi_pmem
