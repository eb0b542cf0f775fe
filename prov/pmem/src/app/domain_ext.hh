/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * FI_PMEM_DOMAIN_OPS has the functions of a domain in rdma/fi_ext_pmem.h.
 */
#pragma once

#include "app/domain.hh"

namespace ofi_pmem
{

/* Implements fi_open_ops() of a domain for that name. */
int open_domain_extension(const Domain &domain, uint64_t flags,
			  void **ops) noexcept;

} // namespace ofi_pmem
