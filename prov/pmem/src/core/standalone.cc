/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The provider object of a program that is no plug-in but reads the parameters,
 * by shared/params_check.hh. libfabric loads its own.
 */
#include "core/prov.hh"

namespace ofi_pmem
{

fi_provider provider = [] {
	fi_provider one{};
	one.name = kProviderName;
	return one;
}();

} // namespace ofi_pmem
