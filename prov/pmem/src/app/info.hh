/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Discovery decides which inner providers we layer on, and what we offer of
 * them. info_name.hh has the rules for names, info_variant.hh those for
 * attributes.
 */
#pragma once

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* Implements fi_provider::getinfo. */
int getinfo(uint32_t version, const char *node, const char *service,
	    uint64_t flags, const fi_info *hints, fi_info **info) noexcept;

/*
 * Warns of a FI_PROVIDER that seems to ask for us and does not. Called once,
 * when the plug-in is loaded.
 */
void warn_of_misspelling() noexcept;

/* From now on getinfo() returns `ret` if that is not 0. */
void set_getinfo_error(int ret) noexcept;

} // namespace ofi_pmem
