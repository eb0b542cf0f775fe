/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What the application says of a region's memory (struct fi_pmem_mr_attr of
 * rdma/fi_ext_pmem.h). It may tell what nobody else knows, and be more careful
 * than what is known; it is refused where the kernel or the administrator knows
 * that less is durable.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

namespace ofi_pmem
{

/* What is known of the memory without the application. */
struct KnownMedium {
	/* Stores reach a page cache, which only a sync writes back. */
	bool page_cache = true;
	/* fdatasync(2) makes stores durable; it does nothing for device DAX. */
	bool syncs = true;
	/* Of persistent memory itself. */
	std::optional<PersistenceDomain> domain;
	/* A DAX file that the kernel does not map with MAP_SYNC: its device
	 * wants a flush of its own, which only a sync of the file brings. */
	bool needs_sync = false;
};

/* -errno when a resource fails that finding out takes. */
[[nodiscard]] int known_medium(const FileMapping &file,
			       DomainChoice administrator, KnownMedium *known);

/* What is declared and why it cannot be, in words; empty if it can. */
std::string contradiction(const RegionDeclaration &declared,
			  const KnownMedium &known);

} // namespace ofi_pmem
