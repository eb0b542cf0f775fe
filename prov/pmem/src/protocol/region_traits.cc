/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The names of the traits, as in logs and in `fi_pmem info`. */
#include "protocol/region_traits.hh"

namespace ofi_pmem
{

const char *to_string(Granularity granularity) noexcept
{
	switch (granularity) {
	case Granularity::byte:
		return "byte";
	case Granularity::cache_line:
		return "cache line";
	case Granularity::page:
		return "page";
	}
	return "unknown";
}

const char *to_string(PersistenceDomain domain) noexcept
{
	switch (domain) {
	case PersistenceDomain::none_forced:
		return "none (forced)";
	case PersistenceDomain::memory_controller:
		return "memory controller";
	case PersistenceDomain::cpu_cache:
		return "cpu cache";
	case PersistenceDomain::device:
		return "device";
	case PersistenceDomain::simulated:
		return "simulated";
	case PersistenceDomain::system:
		return "whole system";
	}
	return "unknown";
}

} // namespace ofi_pmem
