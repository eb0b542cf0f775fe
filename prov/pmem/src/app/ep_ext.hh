/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Implements the functions of include/rdma/fi_ext_pmem.h.
 */
#pragma once

#include <cstdint>

namespace ofi_pmem
{

class Endpoint;

/* Implements fi_open_ops() for FI_PMEM_EP_OPS. */
[[nodiscard]] int open_ep_extension(const Endpoint &endpoint, uint64_t flags,
				    void **ops) noexcept;

} // namespace ofi_pmem
