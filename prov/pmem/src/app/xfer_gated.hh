/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The calls of xfer.hh for endpoints that have a persistence plane: a transmit
 * must not overtake what FI_FENCE or FI_ORDER_SAW order it behind, and an
 * atomic must not reach the inner provider with a key that it does not know.
 */
#pragma once

#include <rdma/fi_atomic.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_tagged.h>

namespace ofi_pmem
{

extern fi_ops_msg gated_msg_ops;
extern fi_ops_tagged gated_tagged_ops;
extern fi_ops_atomic gated_atomic_ops;

} // namespace ofi_pmem
