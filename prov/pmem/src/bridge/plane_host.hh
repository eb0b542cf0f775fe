/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

namespace ofi_pmem
{

class Persistence;
class PlaneCounter;
class PlaneQueue;

/*
 * The persistence half of an endpoint needs to know this about it. The endpoint
 * keeps it; its bindings change until the endpoint is enabled.
 */
struct PlaneHost {
	const fi_info *info = nullptr;
	fid_ep *inner = nullptr;
	fid_domain *inner_domain = nullptr;
	Persistence *persistence = nullptr;
	/* All atomics are ours; the inner domain has none. */
	bool owns_atomics = false;

	/* The queue that is bound for transmits; null if none is. */
	PlaneQueue *tx_queue = nullptr;
	PlaneCounter *write_counter = nullptr;
	PlaneCounter *read_counter = nullptr;
};

} // namespace ofi_pmem
