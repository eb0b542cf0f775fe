/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The application's declaration of a region's memory (struct fi_pmem_mr_attr of
 * rdma/fi_ext_pmem.h). It may say what nobody else knows, and may be more
 * careful than what is known. It is refused if the kernel or the administrator
 * knows that less is durable.
 */
#pragma once

#include "core/params.hh"
#include "persist/backend.hh"
#include "persist/mapping.hh"

#include <cstdint>
#include <optional>
#include <string>

namespace ofi_pmem
{

/* The properties of the memory that are known without the application. */
struct KnownMedium {
	/* Stores reach a page cache, which only a sync writes back. */
	bool page_cache = true;
	/* fdatasync(2) makes stores durable; it does nothing for device DAX. */
	bool syncs = true;
	/* This is the domain of persistent memory itself. */
	std::optional<PersistenceDomain> domain;
	/* It is a DAX file that the kernel does not map with MAP_SYNC: its
	 * device needs a flush of its own, which only a sync of the file
	 * causes. */
	bool needs_sync = false;
};

/* Returns -errno if a resource is missing that finding out needs. */
[[nodiscard]] int known_medium(const FileMapping &file,
			       DomainChoice administrator, KnownMedium *known);

/* Says in words what is declared and why it cannot be; empty if it can. */
std::string contradiction(const RegionDeclaration &declared,
			  const KnownMedium &known);

} // namespace ofi_pmem
