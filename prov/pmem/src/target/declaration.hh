/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a target tells its initiators of a region, so that they can choose a
 * durability method (plane/method.hh): what backend and NIC are, and what only
 * the administrator knows of the platform.
 */
#pragma once

#include "core/params.hh"
#include "persist/backend.hh"
#include "plane/wire.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

struct NicTraits {
	NicKind kind = NicKind::unknown;
	/*
	 * The device executes FLUSH, and this region is registered for it,
	 * global and persistent.
	 */
	bool flushable = false;
};

/*
 * Sets granularity, domain and traits of the answer. Only a NIC that is known
 * to be hardware has its DDIO off: else the declaration is ignored, after one
 * warning for the process.
 */
void declare(const Backend &backend, const NicTraits &nic,
	     const Params &administrator, wire::Region *answer) noexcept;

} // namespace ofi_pmem
