/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/wrapper.hh"

#include "app/av.hh"
#include "app/cntr.hh"
#include "app/cq.hh"
#include "app/domain.hh"
#include "app/ep.hh"
#include "app/eq.hh"
#include "app/fabric.hh"
#include "app/mr.hh"
#include "app/pep.hh"
#include "app/srx.hh"
#include "core/log.hh"

namespace ofi_pmem
{

namespace
{

/* Calls `use` with the wrapper behind the fid, if it is one of class Object. */
template <typename Object, typename Use> auto with(fid *outer, Use &&use)
{
	return is_ours<Object>(outer) ? use(*outer_of<Object>(outer)) : nullptr;
}

template <typename Use> auto with_wrapper(fid *outer, Use &&use)
{
	switch (outer->fclass) {
	case FI_CLASS_FABRIC:
		return with<Fabric>(outer, use);
	case FI_CLASS_DOMAIN:
		return with<Domain>(outer, use);
	case FI_CLASS_EP:
		return with<Endpoint>(outer, use);
	case FI_CLASS_SRX_CTX:
		return with<SharedReceive>(outer, use);
	case FI_CLASS_PEP:
		return with<PassiveEndpoint>(outer, use);
	case FI_CLASS_AV:
		return with<AddressVector>(outer, use);
	case FI_CLASS_MR:
		return with<MemoryRegion>(outer, use);
	case FI_CLASS_EQ:
		return with<EventQueue>(outer, use);
	case FI_CLASS_CQ:
		return with<CompletionQueue>(outer, use);
	case FI_CLASS_CNTR:
		return with<Counter>(outer, use);
	default:
		return static_cast<decltype(with<Fabric>(outer, use))>(nullptr);
	}
}

} // namespace

fid *behind_hook(fid *outer) noexcept
{
	void *found = nullptr;
	int ret = -FI_ENOSYS;
	if (FI_CHECK_OP(outer->ops, fi_ops, ops_open))
		ret = outer->ops->ops_open(outer, kSelfOps, 0, &found, nullptr);
	if (!ret && found)
		return static_cast<fid *>(found);
	PMEM_WARN(FI_LOG_CORE,
		  "a function of rdma/fi_ext_pmem.h was called with an object "
		  "that is not one of ofi_pmem");
	return nullptr;
}

fid *inner_of(fid *outer) noexcept
{
	return with_wrapper(outer,
			    [](auto &object) { return object.inner_fid(); });
}

bool is_inherited(fid *outer) noexcept
{
	auto origin = with_wrapper(
		outer, [](auto &object) { return &object.origin(); });
	return origin && origin->inherited();
}

Dependents *dependents_of(fid *outer) noexcept
{
	return with_wrapper(outer,
			    [](auto &object) { return &object.dependents(); });
}

} // namespace ofi_pmem
