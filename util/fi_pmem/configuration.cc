/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "configuration.hh"

#include <cstdlib>

#include "core/params_check.hh"
#include "core/prov.hh"
#include "report.hh"

namespace ofi_pmem
{

/* The one whose parameters are read here; libfabric loads its own. */
fi_provider provider = [] {
	fi_provider one{};
	one.name = kProviderName;
	return one;
}();

} // namespace ofi_pmem

namespace fi_pmem
{

std::string configuration_problem()
{
	return ofi_pmem::params_problem();
}

void warn_unknown_variables(Report &report)
{
	static bool warned = false;
	if (warned)
		return;
	warned = true;
	for (const std::string &name : ofi_pmem::unknown_variables())
		report.warn("%s in the environment is no parameter of ofi_pmem "
			    "and has no effect; fi_pmem(7) lists them",
			    name.c_str());
}

bool has_auth_key()
{
	const char *file = getenv("FI_OFI_PMEM_AUTH_KEY_FILE");
	return file && *file;
}

} // namespace fi_pmem
