/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Discovery: which inner providers we layer on, and what of them we offer.
 * info_name.hh has the rules of names, info_variant.hh those of attributes.
 */
#pragma once

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* fi_provider::getinfo. */
int getinfo(uint32_t version, const char *node, const char *service,
	    uint64_t flags, const fi_info *hints, fi_info **info) noexcept;

/*
 * Warns of a FI_PROVIDER that seems to ask for us, and does not. Once, as the
 * plug-in is loaded.
 */
void warn_of_misspelling() noexcept;

/* From now on getinfo() returns `ret` when it is not 0. */
void set_getinfo_error(int ret) noexcept;

} // namespace ofi_pmem
