/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Connection management is forwarded, while the persistence plane learns where
 * the application's endpoints are. Connection-request handles and multicast
 * objects are the inner provider's own and pass unchanged.
 */
#pragma once

#include "core/address.hh"

#include <rdma/fi_cm.h>

#include <optional>

namespace ofi_pmem
{

/* The address of an inner endpoint; none while it has no IP address. */
std::optional<IpAddress> name_of(fid *inner) noexcept;

extern fi_ops_cm ep_cm_ops;
extern fi_ops_cm pep_cm_ops;

/*
 * Endpoints whose inner provider has no connection management, and srx, have
 * these.
 */
extern fi_ops_cm no_cm_ops;

} // namespace ofi_pmem
