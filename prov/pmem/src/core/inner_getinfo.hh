/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Discovers inner providers through the public fi_getinfo().
 */
#pragma once

#include "shared/fid.hh"

namespace ofi_pmem
{

/*
 * The fi_getinfo() flag by which a layering provider asks for what is below it
 * (the same bit in every libfabric from 1.17). Without it a FI_PROVIDER filter
 * drops the inner infos.
 */
inline constexpr uint64_t kGetinfoInternal = 1ULL << 58;

/*
 * Calls fi_getinfo() for the inner provider `name`, and returns only infos of
 * exactly that provider. `hints` may be null, else they name the same provider.
 * The call does not come back to our own getinfo().
 */
[[nodiscard]] int inner_getinfo(const char *name, uint32_t version,
				const char *node, const char *service,
				uint64_t flags, const fi_info *hints,
				InfoPtr *list) noexcept;

/* True while this thread is inside inner_getinfo(). */
bool inside_inner_getinfo() noexcept;

} // namespace ofi_pmem
