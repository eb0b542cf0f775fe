/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "client/configuration.hh"

#include "client/error_sink.hh"
#include "client/seal.hh"
#include "shared/params_check.hh"

#include <cstdlib>

/*
 * These are from <sanitizer/lsan_interface.h>; only a program with
 * LeakSanitizer has them.
 */
extern "C" {
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
}

namespace fi_pmem
{

namespace
{

/*
 * libfabric frees only the parameters of providers that it has loaded. This
 * program is none of them, so its parameters stay until it ends.
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
	std::string problem = ofi_pmem::params_problem();
	return problem.empty() ? seal_problem() : problem;
}

void warn_unknown_variables(ErrorSink &sink)
{
	static bool warned = false;
	if (warned)
		return;
	warned = true;
	for (const std::string &name : ofi_pmem::unknown_variables())
		sink.warn("%s in the environment is not a parameter of "
			  "ofi_pmem and has no effect; fi_pmem(7) lists them",
			  name.c_str());
}

bool has_auth_key()
{
	const char *file = getenv("FI_OFI_PMEM_AUTH_KEY_FILE");
	return file && *file;
}

} // namespace fi_pmem
