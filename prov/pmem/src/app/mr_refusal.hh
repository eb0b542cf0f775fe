/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <rdma/fabric.h>

#include <sys/uio.h>

#include <string>

namespace ofi_pmem
{

/*
 * Explains to the user why the inner provider of the domain answered `ret` to
 * the registration of this memory: which part, why, and what works instead.
 * Returns an empty text if the cause is unknown. Throws std::bad_alloc.
 */
std::string refused_memory(const fi_info &domain, const iovec *iov,
			   size_t count, int ret);

} // namespace ofi_pmem
