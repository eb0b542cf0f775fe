/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The sends of xfer.hh for endpoints that have a persistence plane: they must
 * not overtake what FI_FENCE or FI_ORDER_SAW order them behind.
 */
#pragma once

#include <rdma/fi_endpoint.h>
#include <rdma/fi_tagged.h>

namespace ofi_pmem
{

extern fi_ops_msg gated_msg_ops;
extern fi_ops_tagged gated_tagged_ops;

} // namespace ofi_pmem
