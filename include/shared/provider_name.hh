/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The name by which libfabric knows the provider.
 */
#pragma once

namespace ofi_pmem
{

inline constexpr char kProviderName[] = "ofi_pmem";

} // namespace ofi_pmem
