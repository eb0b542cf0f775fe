/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* The strongest transport that the core provider of a domain allows. */
#include "transport/fi_transport.hh"

namespace ofi_pmem
{

int open_transport(const fi_info &app_info,
		   std::unique_ptr<Transport> *transport)
{
	auto over_libfabric = std::make_unique<FiTransport>();
	int ret = over_libfabric->open(app_info);
	if (!ret)
		*transport = std::move(over_libfabric);
	return ret;
}

} // namespace ofi_pmem
