/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "configuration.hh"

#include <cstdlib>

#include "core/params_check.hh"
#include "core/prov.hh"
#include "report.hh"

/* <sanitizer/lsan_interface.h>; there in a program with LeakSanitizer only. */
extern "C" {
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
}

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

namespace
{

/*
 * libfabric frees the parameters of the providers that it has loaded, of which
 * this program is none: they stay until it ends.
 */
struct NoLeak {
	NoLeak()
	{
		if (__lsan_disable)
			__lsan_disable();
	}
	~NoLeak()
	{
		if (__lsan_enable)
			__lsan_enable();
	}
};

} // namespace

std::string configuration_problem()
{
	NoLeak parameters;
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
