/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One function for each method says whether it is safe and why. A refusal names
 * the fact that stands against the method and what would change that. If a
 * weaker method was chosen, its reason is that of the refusal above it.
 *
 * The CPU's caches matter because a NIC with DDIO, and every software NIC,
 * places data in them. Where they are outside the persistence domain, only a
 * cache write-back by the target's CPU makes the data durable, or a FLUSH that
 * does so.
 */
#include "initiator/method.hh"

#include <rdma/fi_errno.h>

#include <initializer_list>

namespace ofi_pmem
{

const char *to_string(Method method) noexcept
{
	switch (method) {
	case Method::message:
		return "message";
	case Method::read:
		return "read";
	case Method::native:
		return "native";
	case Method::ack:
		return "ack";
	}
	return "unknown";
}

namespace
{

struct Verdict {
	bool safe;
	const char *reason;
};

constexpr Verdict safe(const char *reason) noexcept
{
	return {true, reason};
}

constexpr Verdict unsafe(const char *reason) noexcept
{
	return {false, reason};
}

/* DDIO is a property of the NIC: data that the CPU places is in its caches
 * anyway. */
bool bypasses_caches(const TargetTraits &target) noexcept
{
	return target.ddio_off && !target.software_nic;
}

Verdict judge_domain(PersistenceDomain domain) noexcept
{
	switch (domain) {
	case PersistenceDomain::memory_controller:
	case PersistenceDomain::cpu_cache:
	case PersistenceDomain::system:
		return safe("the memory is persistent");
	case PersistenceDomain::none_forced:
		return unsafe("the memory is not persistent, or its domain "
			      "is unknown: register persistent memory instead "
			      "of forcing it");
	case PersistenceDomain::device:
		return unsafe("only what the target's service syncs reaches "
			      "the file's device; other methods need device "
			      "DAX, or a mapping with MAP_SYNC");
	case PersistenceDomain::simulated:
		return unsafe("a simulated power failure sees only what the "
			      "target's service flushes; other methods need "
			      "another FI_OFI_PMEM_BACKEND than powerfail");
	}
	return unsafe("the target names a persistence domain that this side "
		      "does not know; both need the same version");
}

/* Every method but message needs placed bytes to be in real memory. */
Verdict judge_one_sided(const TargetTraits &target) noexcept
{
	Verdict domain = judge_domain(target.domain);
	if (!domain.safe)
		return domain;
	if (target.granularity != Granularity::byte &&
	    target.granularity != Granularity::cache_line)
		return unsafe("at page granularity only what the target's "
			      "service stores and syncs reaches the file; "
			      "other methods need device DAX, or a mapping "
			      "with MAP_SYNC");
	if (!target.one_sided)
		return unsafe("the target does not let the NIC access this "
			      "region; other methods need it registered for "
			      "one-sided access");
	return safe("the NIC may access the region");
}

Verdict judge_ack(const TargetTraits &target,
		  const TransportTraits &transport) noexcept
{
	if (target.domain != PersistenceDomain::system)
		return unsafe("an acknowledgement may precede placement: ack "
			      "needs whole-system persistence, which the "
			      "target's administrator declares by "
			      "FI_OFI_PMEM_DOMAIN=system");
	if (!transport.reliable_ack)
		return unsafe("a completion says nothing about the remote "
			      "side here: ack needs a reliable connection on "
			      "InfiniBand or RoCE");
	return safe("whole-system persistence: what the remote NIC has "
		    "acknowledged is durable");
}

Verdict judge_native(const TargetTraits &target,
		     const TransportTraits &transport) noexcept
{
	if (!transport.native_flush)
		return unsafe("this side cannot post IB FLUSH: native needs a "
			      "device and an rdma-core with FLUSH, and "
			      "FI_OFI_PMEM_NATIVE_FLUSH not off");
	if (!target.flushable)
		return unsafe("the target's region does not accept IB FLUSH: "
			      "native needs a device there that executes it, "
			      "and FI_OFI_PMEM_NATIVE_FLUSH not off");
	if (caches_persist(target.domain))
		return safe("IB FLUSH places the data, and CPU caches are "
			    "persistent");
	if (target.software_nic)
		return safe("the software NIC executes IB FLUSH by writing "
			    "CPU caches back");
	if (bypasses_caches(target))
		return safe("IB FLUSH bypasses CPU caches, because DDIO is "
			    "off");
	if (target.vouched)
		return safe("IB FLUSH, which the target's administrator "
			    "vouches for");
	return unsafe("IB FLUSH may end in CPU caches, which are not "
		      "persistent: at the target FI_OFI_PMEM_DDIO=off, a "
		      "domain of cpu_cache, or "
		      "FI_OFI_PMEM_NATIVE_FLUSH=vouched would make native "
		      "safe, each if it is true");
}

Verdict judge_read(const TargetTraits &target,
		   const TransportTraits &transport) noexcept
{
	if (!transport.placement_wait)
		return unsafe("the transport cannot wait for placement: read "
			      "needs RDMA READ on the writes' queue pair");
	if (!target.readable)
		return unsafe("the target's region was not registered for "
			      "FI_REMOTE_READ, which read needs");
	if (caches_persist(target.domain))
		return safe("placed data is durable, because CPU caches are "
			    "persistent");
	if (target.software_nic)
		return unsafe("the target's CPU places what arrives, in "
			      "caches that are not persistent, whatever DDIO "
			      "is: read needs a domain of cpu_cache, "
			      "or a hardware NIC with DDIO off");
	if (bypasses_caches(target))
		return safe("RDMA READ pushes the writes before it to the "
			    "memory controller, because DDIO is off");
	return unsafe("DDIO may leave the data in CPU caches, which are not "
		      "persistent: read needs DDIO off, declared at the "
		      "target by FI_OFI_PMEM_DDIO=off, or a domain of "
		      "cpu_cache");
}

constexpr Verdict kOverTcp = unsafe(
	"over TCP the target's service stores and flushes; other methods need "
	"the verbs provider at both ends");

Verdict judge(Method method, const TargetTraits &target,
	      const TransportTraits &transport) noexcept
{
	if (method == Method::message)
		return safe("it was requested; the target's service flushes");
	Verdict needed =
		transport.one_sided ? judge_one_sided(target) : kOverTcp;
	if (!needed.safe)
		return needed;
	switch (method) {
	case Method::ack:
		return judge_ack(target, transport);
	case Method::native:
		return judge_native(target, transport);
	default:
		return judge_read(target, transport);
	}
}

MethodDecision decide_forced(Method method, const TargetTraits &target,
			     const TransportTraits &transport) noexcept
{
	Verdict verdict = judge(method, target, transport);
	if (!verdict.safe)
		return {Method::message, -FI_EOPNOTSUPP, verdict.reason};
	return {method, 0, verdict.reason};
}

MethodDecision decide_strongest(const TargetTraits &target,
				const TransportTraits &transport) noexcept
{
	Verdict verdict{};
	for (Method method : {Method::ack, Method::native, Method::read}) {
		verdict = judge(method, target, transport);
		if (verdict.safe)
			return {method, 0, verdict.reason};
	}
	/* The reason is that against the weakest of the other methods. */
	return {Method::message, 0, verdict.reason};
}

Granularity known_granularity(uint8_t value) noexcept
{
	Granularity granularity{value};
	switch (granularity) {
	case Granularity::byte:
	case Granularity::cache_line:
	case Granularity::page:
		return granularity;
	}
	return Granularity::page;
}

PersistenceDomain known_domain(uint8_t value) noexcept
{
	PersistenceDomain domain{value};
	switch (domain) {
	case PersistenceDomain::none_forced:
	case PersistenceDomain::memory_controller:
	case PersistenceDomain::cpu_cache:
	case PersistenceDomain::device:
	case PersistenceDomain::simulated:
	case PersistenceDomain::system:
		return domain;
	}
	return PersistenceDomain::none_forced;
}

/* Returns the alignment of the memory, in which an aligned store is a single
 * one. */
size_t known_failure_atomic(uint8_t alignment) noexcept
{
	switch (alignment) {
	case 2:
	case 4:
	case 8:
		return alignment;
	default:
		return 1;
	}
}

} // namespace

MethodDecision decide_method(const TargetTraits &target,
			     const TransportTraits &transport,
			     MethodChoice forced) noexcept
{
	switch (forced) {
	case MethodChoice::automatic:
		break;
	case MethodChoice::message:
		return decide_forced(Method::message, target, transport);
	case MethodChoice::read:
		return decide_forced(Method::read, target, transport);
	case MethodChoice::native:
		return decide_forced(Method::native, target, transport);
	case MethodChoice::ack:
		return decide_forced(Method::ack, target, transport);
	}
	return decide_strongest(target, transport);
}

TargetTraits target_traits(const wire::Region &region) noexcept
{
	TargetTraits traits;
	traits.granularity = known_granularity(region.granularity);
	traits.domain = known_domain(region.domain);
	traits.one_sided = region.one_sided == 1;
	traits.readable = region.access & wire::kRemoteRead;
	traits.ddio_off = region.traits & wire::kDdioOff;
	traits.vouched = region.traits & wire::kVouched;
	traits.flushable = region.traits & wire::kFlushable;
	traits.software_nic = region.traits & wire::kSoftwareNic;
	traits.failure_atomic = known_failure_atomic(region.alignment);
	return traits;
}

} // namespace ofi_pmem
