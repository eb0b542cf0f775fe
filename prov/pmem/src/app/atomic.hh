/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomics of endpoints that have a persistence plane. The target's service
 * executes those to a persistent key, the inner provider all others.
 */
#pragma once

#include "bridge/atomic_valid.hh"

#include <rdma/fi_atomic.h>

namespace ofi_pmem
{

extern fi_ops_atomic plane_atomic_ops;

} // namespace ofi_pmem
