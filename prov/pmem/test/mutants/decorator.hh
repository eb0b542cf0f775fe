/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Plug-ins with a known mistake, for tests that must notice it. Each mutant is
 * the whole plug-in with another open_backend(), which puts a decorator around
 * the real backend. It overrides what it gets wrong.
 *
 * The flush ledger, where it is on, lies below the mutant: it sees what reaches
 * the real backend.
 */
#pragma once

#include "persist/backend_decorator.hh"
#include "persist/default_backend.hh"
#include "persist/ledger_backend.hh"

#include <utility>

namespace ofi_pmem
{

/* The plug-in's own choice of backend, inside a `Mutant`. */
template <typename Mutant>
int open_mutant(const RegionMemory &memory, std::unique_ptr<Backend> *backend)
{
	std::unique_ptr<Backend> real;
	int ret = open_default_backend(memory, params().backend, &real);
	if (!ret && real)
		*backend =
			std::make_unique<Mutant>(keep_ledger(std::move(real)));
	return ret;
}

} // namespace ofi_pmem
