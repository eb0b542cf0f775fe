/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The provider object that libfabric registers. Everything that logs or defines
 * a parameter refers to this object.
 */
#pragma once

#include "shared/provider_name.hh"

#include <rdma/fabric.h>
#include <rdma/providers/fi_prov.h>

namespace ofi_pmem
{

/* The provider itself has this version: major, minor. */
inline constexpr uint32_t kProviderVersion = FI_VERSION(0, 1);

/* It is mutable: libfabric's core keeps its own state in `context`. */
extern fi_provider provider;

} // namespace ofi_pmem
