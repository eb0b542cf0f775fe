/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "core/log.hh"

#include <cstddef>

namespace ofi_pmem
{

/*
 * A structure of rdma/fi_ext_pmem.h says how long it is. Returns false, after a
 * warning, if it is null or shorter than in the first version of that header.
 */
template <typename Struct>
bool check_size(const Struct *given, size_t first, const char *name,
		fi_log_subsys subsystem) noexcept
{
	if (given && given->size >= first)
		return true;
	PMEM_WARN(subsystem,
		  "%s size %zu: must be set to its sizeof, at least %zu", name,
		  given ? given->size : 0, first);
	return false;
}

} // namespace ofi_pmem
