/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The plug-in's entry. libfabric loads libpmem-fi.so and calls fi_prov_ini(),
 * the only symbol the library exports. Start reading here; the calls that
 * follow are app/info.cc getinfo and app/fabric.cc fabric_open.
 */
#include "app/fabric.hh"
#include "app/info.hh"
#include "core/params.hh"
#include "core/prov.hh"

namespace ofi_pmem
{

namespace
{

/* libfabric undefines our parameters itself before it calls this. */
void cleanup() noexcept
{
}

fi_provider make_provider() noexcept
{
	fi_provider prov{};
	prov.version = kProviderVersion;
	prov.fi_version = fi_version();
	prov.name = kProviderName;
	prov.getinfo = getinfo;
	prov.fabric = fabric_open;
	prov.cleanup = cleanup;
	return prov;
}

} // namespace

fi_provider provider = make_provider();

} // namespace ofi_pmem

extern "C" FI_EXT_INI
{
	/* A value that is not understood disables the provider: getinfo
	 * returns the error, after the warning that load_params() gave. */
	ofi_pmem::set_getinfo_error(ofi_pmem::load_params());
	ofi_pmem::warn_of_misspelling();
	return &ofi_pmem::provider;
}
