/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Opens the plug-in's choice of backend. The plug-in and each test program link
 * this file separately: a test plug-in brings another open_backend(), which
 * wraps the same choice in a backend with a known mistake.
 */
#include "persist/default_backend.hh"
#include "persist/ledger_backend.hh"

namespace ofi_pmem
{

int open_backend(const RegionMemory &memory, std::unique_ptr<Backend> *backend)
{
	std::unique_ptr<Backend> chosen;
	int ret = open_default_backend(memory, params().backend, &chosen);
	if (!ret && chosen)
		*backend = keep_ledger(std::move(chosen));
	return ret;
}

} // namespace ofi_pmem
