/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/srx.hh"

#include "app/cm.hh"
#include "app/rma.hh"
#include "app/xfer.hh"
#include "core/layout.hh"

#include <memory>

namespace ofi_pmem
{

namespace
{

fi_ops_ep make_srx_ops() noexcept
{
	fi_ops_ep ops{};
	ops.size = sizeof(ops);
	ops.cancel = forward<SharedReceive, fi_cancel>;
	ops.getopt = forward<SharedReceive, fi_getopt>;
	ops.setopt = forward<SharedReceive, fi_setopt>;
	ops.tx_ctx = no_sys;
	ops.rx_ctx = no_sys;
	ops.rx_size_left = forward<SharedReceive, call_rx_size_left>;
	ops.tx_size_left = no_sys;
#ifdef HAVE_STRUCT_FI_OPS_EP_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

RoomyOps<fi_ops_ep> srx_ops(make_srx_ops());

} // namespace

SharedReceive::SharedReceive(Domain &domain, void *context) noexcept
	: Wrapper(FI_CLASS_SRX_CTX, context, &FidOps<SharedReceive>::table),
	  parent_(domain.dependents())
{
	ops = &srx_ops.known;
	cm = &no_cm_ops;
	rma = &no_rma_ops;
	atomic = &no_atomic_ops;
	collective = &no_collective_ops;
}

int SharedReceive::open(Domain &domain, const fi_rx_attr *attr, void *context,
			fid_ep **srx)
{
	if (attr && (attr->op_flags & FI_PEER))
		return -FI_ENOSYS;
	std::unique_ptr<SharedReceive> outer(
		new SharedReceive(domain, context));
	Roomy<fi_rx_attr> roomy;
	fi_rx_attr &below = roomy.known;
	if (attr) {
		below = *attr;
		below.caps &= ~FI_RMA_PMEM;
		below.op_flags &= ~FI_COMMIT_COMPLETE;
	}
	fid_ep *inner = nullptr;
	int ret = fi_srx_context(domain.inner(), attr ? &below : nullptr,
				 &inner, &outer->fid);
	if (ret)
		return ret;
	outer->inner_.reset(inner);
	outer->msg = inner->msg ? &srx_msg_ops : &no_msg_ops;
	outer->tagged = inner->tagged ? &srx_tagged_ops : &no_tagged_ops;
	*srx = outer.release();
	return 0;
}

int SharedReceive::bind(fid_t other, uint64_t flags)
{
	auto below = inner_of(other);
	if (!below)
		return -FI_EINVAL;
	bound_.reserve(bound_.size() + 1);
	int ret = inner_fid()->ops->bind(inner_fid(), below, flags);
	if (!ret)
		bound_.emplace_back(*dependents_of(other));
	return ret;
}

} // namespace ofi_pmem
