/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <rdma/fabric.h>

namespace ofi_pmem
{

/* fi_provider::fabric. */
int fabric_open(fi_fabric_attr *attr, fid_fabric **fabric,
		void *context) noexcept;

} // namespace ofi_pmem
