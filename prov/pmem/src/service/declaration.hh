/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A target describes a region to its initiators, so that they can choose a
 * durability method (initiator/method.hh): its backend and NIC, and what only
 * the administrator knows about the platform.
 */
#pragma once

#include "core/params.hh"
#include "persist/backend.hh"
#include "protocol/wire.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

struct NicTraits {
	NicKind kind = NicKind::unknown;
	/*
	 * The device executes FLUSH, and this region is registered for global
	 * and persistent FLUSH.
	 */
	bool flushable = false;
};

/*
 * Sets granularity, domain and traits of the answer. Only a NIC known to be
 * hardware can have DDIO off: else that declaration is ignored, after one
 * warning per process.
 */
void declare(const Backend &backend, const NicTraits &nic,
	     const Params &administrator, wire::Region *answer) noexcept;

} // namespace ofi_pmem
