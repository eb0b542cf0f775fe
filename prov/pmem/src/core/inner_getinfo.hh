/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Discovery of inner providers through the public fi_getinfo().
 */
#pragma once

#include <rdma/fabric.h>

namespace ofi_pmem
{

/*
 * fi_getinfo() for an inner provider named in hints->fabric_attr->prov_name;
 * only infos of exactly that provider name are returned. Not subject to the
 * FI_PROVIDER filter, and does not come back to our own getinfo().
 */
[[nodiscard]] int inner_getinfo(uint32_t version, const char *node,
				const char *service, uint64_t flags,
				const fi_info *hints, fi_info **info) noexcept;

/* The same where `hints`, which may be null, are for `prov_name` already. */
[[nodiscard]] int inner_getinfo(uint32_t version, const char *node,
				const char *service, uint64_t flags,
				const fi_info *hints, const char *prov_name,
				fi_info **info) noexcept;

/*
 * fi_getinfo() flag by which a layering provider asks for what is below it
 * (OFI_GETINFO_INTERNAL of libfabric's core; 1.17, 2.1 and main agree): without
 * it a FI_PROVIDER filter drops the inner infos.
 */
inline constexpr uint64_t kGetinfoInternal = 1ULL << 58;

/* True while this thread is inside inner_getinfo(). */
bool inside_inner_getinfo() noexcept;

} // namespace ofi_pmem
