/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Which durability method a channel uses for a region: the strongest that is
 * proven safe by what the target declares, the administrator says and the
 * transport is. Whatever is unknown counts as its weakest value. fi_pmem(7),
 * METHODS, has the same rules as a table; method_test.cc goes through it.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/params.hh"
#include "persist/backend.hh"
#include "plane/wire.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

/* How a commit makes a write durable; the stronger, the greater. */
enum class Method : uint8_t {
	message = 1, /* a request: the service flushes and answers */
	read = 2,    /* RDMA READ behind the write; tcp: delivery complete */
	native = 3,  /* IB FLUSH behind the write */
	ack = 4,     /* the transport's acknowledgement of the write */
};

const char *to_string(Method method) noexcept;

/* What the target declares for one region. The defaults are the weakest. */
struct TargetTraits {
	Granularity granularity = Granularity::page;
	PersistenceDomain domain = PersistenceDomain::memory_controller;
	/* The channel may access the region's memory itself. */
	bool one_sided = false;
	/* Registered for FI_REMOTE_READ. */
	bool readable = false;
	/* Meaningful for hardware NICs only: elsewhere the CPU places. */
	bool ddio_off = false;
	/* The administrator: NIC and platform flush to the domain. */
	bool vouched = false;
	/*
	 * Registered for global and persistent FLUSH (ibv_reg_mr(3)) on a
	 * device that executes it.
	 */
	bool flushable = false;
	/*
	 * The CPU places what arrives; if flushable, the CPU also executes the
	 * flush, by writing caches back, as Soft-RoCE does.
	 */
	bool software_nic = false;
	/* The longest aligned store that a power failure never tears, bytes. */
	size_t failure_atomic = 1;
};

struct MethodDecision {
	/* Valid when `error` is 0; else message, which is never wrong. */
	Method method;
	/* -FI_EOPNOTSUPP: the forced method is not proven safe. */
	int error;
	/*
	 * Never null, of static storage: why this method and none stronger;
	 * for a refusal what is missing and what would make it safe.
	 */
	const char *reason;
};

MethodDecision decide_method(const TargetTraits &target,
			     const TransportTraits &transport,
			     MethodChoice forced) noexcept;

/*
 * What a service's answer declares. It is hostile until here: values that this
 * version does not know become the weakest.
 */
TargetTraits target_traits(const wire::Region &region) noexcept;

} // namespace ofi_pmem
