/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/pep.hh"

#include "app/cm.hh"
#include "core/layout.hh"

#include <memory>

namespace ofi_pmem
{

namespace
{

fi_ops_ep make_pep_ops() noexcept
{
	fi_ops_ep ops{};
	ops.size = sizeof(ops);
	ops.cancel = no_sys;
	ops.getopt = forward<PassiveEndpoint, fi_getopt>;
	ops.setopt = forward<PassiveEndpoint, fi_setopt>;
	ops.tx_ctx = no_sys;
	ops.rx_ctx = no_sys;
	ops.rx_size_left = no_sys;
	ops.tx_size_left = no_sys;
#ifdef HAVE_STRUCT_FI_OPS_EP_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

RoomyOps<fi_ops_ep> pep_ops(make_pep_ops());

} // namespace

PassiveEndpoint::PassiveEndpoint(Fabric &fabric, void *context) noexcept
	: Wrapper(FI_CLASS_PEP, context, &FidOps<PassiveEndpoint>::table),
	  fabric_(fabric), parent_(fabric.dependents())
{
	ops = &pep_ops.known;
	cm = &pep_cm_ops;
}

int PassiveEndpoint::open(Fabric &fabric, const fi_info &info, void *context,
			  fid_pep **pep)
{
	std::unique_ptr<PassiveEndpoint> outer(
		new PassiveEndpoint(fabric, context));
	outer->info_ = copy_info(info);
	InnerTraits traits;
	if (is_persistent(info))
		traits = inner_traits(fabric.api_version, info);
	auto below = inner_info(info, traits);
	fid_pep *inner = nullptr;
	int ret =
		fi_passive_ep(fabric.inner(), below.get(), &inner, &outer->fid);
	if (ret)
		return ret;
	outer->inner_.reset(inner);
	outer->events_ =
		FidMapEntry(fabric.fids(), outer->inner_fid(), &outer->fid);
	*pep = outer.release();
	return 0;
}

int PassiveEndpoint::listen()
{
	int ret = fi_listen(inner());
	auto address = name_of(inner_fid());
	if (!ret && address)
		listens_ = AddressEntry(fabric_.passive(), *address);
	return ret;
}

int PassiveEndpoint::bind(fid_t other, uint64_t flags)
{
	auto below = inner_of(other);
	if (!below)
		return -FI_EINVAL;
	int ret = fi_pep_bind(inner(), below, flags);
	if (!ret)
		queue_ = Dependence(*dependents_of(other));
	return ret;
}

} // namespace ofi_pmem
