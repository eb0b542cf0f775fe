/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Decides which durability method a channel uses for a region: the strongest
 * that is proven safe by the declarations of target and administrator and by
 * the kind of transport. Anything unknown is assumed to have its weakest value.
 * fi_pmem(7), METHODS, has the same rules as a table; method_test.cc checks it.
 */
#pragma once

#include "core/params.hh"
#include "protocol/region_traits.hh"
#include "protocol/wire.hh"
#include "transport/transport.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* How a commit makes a write durable; a stronger method is greater. */
enum class Method : uint8_t {
	message = 1, /* a request: the service flushes and answers */
	read = 2,    /* RDMA READ behind the write; tcp: delivery complete */
	native = 3,  /* IB FLUSH behind the write */
	ack = 4,     /* the transport's acknowledgement of the write */
};

const char *to_string(Method method) noexcept;

/* The target declares this for one region. The defaults are the weakest. */
struct TargetTraits {
	Granularity granularity = Granularity::page;
	PersistenceDomain domain = PersistenceDomain::memory_controller;
	/* The channel may access the region's memory itself. */
	bool one_sided = false;
	/* The region is registered for FI_REMOTE_READ. */
	bool readable = false;
	/* This concerns only hardware NICs: elsewhere the CPU places data. */
	bool ddio_off = false;
	/* The administrator declares that NIC and platform flush to the
	 * persistence domain. */
	bool vouched = false;
	/*
	 * The region is registered for global and persistent FLUSH
	 * (ibv_reg_mr(3)) on a device that executes it.
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
	/* It is valid if `error` is 0; else it is message, which is always
	 * safe. */
	Method method;
	/* -FI_EOPNOTSUPP if the forced method is not proven safe, else 0. */
	int error;
	/*
	 * A static string, never null. It says why this method was chosen and
	 * none stronger; for a refusal, what is missing and what would make the
	 * method safe.
	 */
	const char *reason;
};

MethodDecision decide_method(const TargetTraits &target,
			     const TransportTraits &transport,
			     MethodChoice forced) noexcept;

/*
 * Returns the declaration in a service's answer. The answer is untrusted:
 * values that this version does not know become the weakest.
 */
TargetTraits target_traits(const wire::Region &region) noexcept;

} // namespace ofi_pmem
