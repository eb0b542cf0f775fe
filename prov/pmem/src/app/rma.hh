/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The RMA calls. Nine entries meet in Endpoint::submit_write/submit_read, which
 * choose the plane of an operation.
 */
#pragma once

#include <rdma/fi_rma.h>

namespace ofi_pmem
{

extern fi_ops_rma ep_rma_ops;

/* Endpoints whose inner provider has no RMA have these. */
extern fi_ops_rma no_rma_ops;

} // namespace ofi_pmem
