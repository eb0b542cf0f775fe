/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/ep.hh"

#include "app/atomic.hh"
#include "app/av.hh"
#include "app/cm.hh"
#include "app/cntr.hh"
#include "app/cq.hh"
#include "app/ep_ext.hh"
#include "app/rma.hh"
#include "app/xfer.hh"
#include "app/xfer_gated.hh"
#include "core/auth_key.hh"
#include "core/layout.hh"
#include "core/log.hh"

#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_ext_pmem.h>

#include <cstring>

namespace ofi_pmem
{

namespace
{

fi_ops_ep make_ep_ops() noexcept
{
	fi_ops_ep ops{};
	ops.size = sizeof(ops);
	ops.cancel = forward<Endpoint, fi_cancel>;
	ops.getopt = forward<Endpoint, fi_getopt>;
	ops.setopt = forward<Endpoint, fi_setopt>;
	ops.tx_ctx = no_sys;
	ops.rx_ctx = no_sys;
	ops.rx_size_left = forward<Endpoint, call_rx_size_left>;
	ops.tx_size_left = forward<Endpoint, call_tx_size_left>;
#ifdef HAVE_STRUCT_FI_OPS_EP_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

RoomyOps<fi_ops_ep> ep_ops(make_ep_ops());

/* A call through a missing inner table would crash; ours refuses it. */
template <typename Ops> Ops *table_for(Ops *inner, Ops &ours, Ops &none)
{
	return inner ? &ours : &none;
}

void warn_not_enabled(const fi_info &info, int ret) noexcept
{
	if (const char *advice = enable_advice(info))
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "cannot enable the endpoint: %s (%d). %s",
			  fi_strerror(-ret), -ret, advice);
}

} // namespace

Endpoint::Endpoint(Domain &domain, void *context) noexcept
	: Wrapper(FI_CLASS_EP, context, &FidOps<Endpoint>::table),
	  domain_(domain), parent_(domain.dependents())
{
	ops = &ep_ops.known;
}

int Endpoint::open(Domain &domain, const fi_info &info, uint64_t flags,
		   void *context, fid_ep **ep)
{
	if (flags & FI_PEER)
		return -FI_ENOSYS;
	if (info.handle && is_inherited(info.handle))
		return Origin::refuse();
	if (!domain.accepts_auth_key(auth_key_of(info)))
		return -FI_EINVAL;
	std::unique_ptr<Endpoint> outer(new Endpoint(domain, context));
	outer->info_ = copy_info(info);
	if (info.tx_attr)
		outer->tx_op_flags_ = info.tx_attr->op_flags;
	auto below = domain.inner_info(info);
	fid_ep *inner = nullptr;
	int ret = fi_endpoint2(domain.inner(), below.get(), &inner, flags,
			       &outer->fid);
	if (ret)
		return ret;
	outer->adopt_inner(inner);
	ret = outer->open_plane();
	if (!ret)
		*ep = outer.release();
	else
		outer->inner_
			.reset(); /* closed before the counters bound to it */
	return ret;
}

int Endpoint::open_plane()
{
	if (!domain_.persistence() || !(info_->caps & FI_RMA_PMEM))
		return 0;
	own_plane_ = std::make_unique<EndpointPlane>(host_);
	plane_ = own_plane_.get();
	choose_tables();
	return plane_->open();
}

int Endpoint::close() noexcept
{
	if (!own_plane_)
		return close_inner();
	own_plane_->suspend();
	int ret = close_inner();
	if (!ret)
		own_plane_->close();
	else
		ret = guarded([&] {
			own_plane_->resume();
			return ret;
		});
	return ret;
}

void Endpoint::adopt_inner(fid_ep *inner)
{
	inner_.reset(inner);
	events_ = FidMapEntry(domain_.fabric().fids(), inner_fid(), &fid);
	host_.info = info_.get();
	host_.inner = inner;
	host_.inner_domain = domain_.inner();
	host_.persistence = domain_.persistence();
	host_.owns_atomics = domain_.owns_atomics();
	choose_tables();
}

/* The inner provider may exchange its tables when the endpoint changes. */
void Endpoint::choose_tables() noexcept
{
	auto inner = this->inner();
	cm = table_for(inner->cm, ep_cm_ops, no_cm_ops);
	msg = table_for(inner->msg, plane_ ? gated_msg_ops : ep_msg_ops,
			no_msg_ops);
	rma = table_for(inner->rma, ep_rma_ops, no_rma_ops);
	tagged = table_for(inner->tagged,
			   plane_ ? gated_tagged_ops : ep_tagged_ops,
			   no_tagged_ops);
	if (plane_ && domain_.owns_atomics())
		atomic = &plane_atomic_ops;
	else
		atomic = table_for(inner->atomic,
				   plane_ ? plane_atomic_ops : ep_atomic_ops,
				   no_atomic_ops);
	collective = table_for(inner->collective, ep_collective_ops,
			       no_collective_ops);
}

int Endpoint::bind(fid_t other, uint64_t flags)
{
	auto below = inner_of(other);
	if (!below)
		return -FI_EINVAL;
	bound_.reserve(bound_.size() + 1);
	int ret = bind_inner(other, below, flags);
	if (ret)
		return ret;
	bound_.emplace_back(*dependents_of(other));
	record(other, flags);
	return plane_ ? hook_plane(other) : 0;
}

/* If a fence needs counters of transmits, the application's shares ours. */
int Endpoint::bind_inner(fid_t other, fid_t below, uint64_t flags)
{
	constexpr uint64_t kTransmits = FI_SEND | FI_WRITE | FI_READ;
	TransmitGate *gate = plane_ ? plane_->gate() : nullptr;
	bool shares = gate && gate->takes_counters() &&
		      other->fclass == FI_CLASS_CNTR && (flags & kTransmits);
	if (!shares)
		return fi_ep_bind(inner(), below, flags);
	uint64_t rest = flags & ~kTransmits;
	int ret = rest ? fi_ep_bind(inner(), below, rest) : 0;
	if (ret)
		return ret;
	return gate->feed(&outer_of<Counter>(other)->plane(), flags);
}

int Endpoint::hook_plane(fid_t other)
{
	if (other->fclass == FI_CLASS_AV)
		plane_->bound_to_av(&outer_of<AddressVector>(other)->peers());
	if (other->fclass == FI_CLASS_CQ)
		plane_->bound_to_cq(&outer_of<CompletionQueue>(other)->plane());
	if (other->fclass == FI_CLASS_CNTR)
		plane_->bound_to_counter(&outer_of<Counter>(other)->plane());
	return 0;
}

void Endpoint::record(fid_t other, uint64_t flags) noexcept
{
	switch (other->fclass) {
	case FI_CLASS_CQ: {
		auto queue = outer_of<CompletionQueue>(other);
		if (flags & FI_TRANSMIT) {
			bindings_.tx_cq = queue;
			host_.tx_queue = &queue->plane();
			bindings_.tx_selective =
				flags & FI_SELECTIVE_COMPLETION;
		}
		if (flags & FI_RECV)
			bindings_.rx_cq = queue;
		break;
	}
	case FI_CLASS_CNTR: {
		auto counter = outer_of<Counter>(other);
		if (flags & FI_READ)
			host_.read_counter = &counter->plane();
		if (flags & FI_WRITE)
			host_.write_counter = &counter->plane();
		break;
	}
	case FI_CLASS_AV:
		bindings_.av = outer_of<AddressVector>(other);
		break;
	default:
		break;
	}
}

int Endpoint::control(int command, void *arg)
{
	switch (command) {
	case FI_SETOPSFLAG:
		return set_op_flags(*static_cast<uint64_t *>(arg));
	case FI_GETOPSFLAG:
		return get_op_flags(static_cast<uint64_t *>(arg));
	case FI_ALIAS:
		return open_alias(static_cast<struct fi_alias *>(arg));
	case FI_QUEUE_WORK:
	case FI_CANCEL_WORK:
	case FI_FLUSH_WORK:
		return -FI_ENOSYS;
	default:
		int ret = Wrapper::control(command, arg);
		choose_tables();
		if (command != FI_ENABLE)
			return ret;
		if (!ret)
			return announce_address();
		warn_not_enabled(*info_, ret);
		return ret;
	}
}

int Endpoint::announce_address()
{
	if (!domain_.persistence() || announced_)
		return 0;
	auto address = inner()->cm ? name_of(inner_fid()) : std::nullopt;
	/* A connected endpoint gets its address with its connection. */
	bool connects = info_->ep_attr->type == FI_EP_MSG;
	if (!address || (connects && address->wildcard()))
		return 0;
	int ret = domain_.persistence()->add_endpoint(*address, &announced_);
	/*
	 * Nobody knows of a region at the address of an endpoint that only
	 * connects.
	 */
	return connects && !info_->handle ? 0 : ret;
}

int Endpoint::ops_open(const char *name, uint64_t flags, void **table,
		       void *context) noexcept
{
	if (strcmp(name, FI_PMEM_EP_OPS))
		return Wrapper::ops_open(name, flags, table, context);
	return open_ep_extension(*this, flags, table);
}

int Endpoint::set_op_flags(uint64_t flags) noexcept
{
	uint64_t ours = our_op_flags(*info_);
	uint64_t below = flags & ~ours;
	int ret = Wrapper::control(FI_SETOPSFLAG, &below);
	if (!(flags & FI_TRANSMIT))
		return ret;
	uint64_t wanted = flags & ~FI_TRANSMIT;
	/*
	 * tcp, rxm and verbs cannot change their flags; they need not know
	 * ours.
	 */
	if (ret && (wanted & ~ours) != (tx_op_flags_ & ~ours))
		return ret;
	tx_op_flags_ = wanted;
	return 0;
}

int Endpoint::get_op_flags(uint64_t *flags) noexcept
{
	if (*flags & FI_TRANSMIT) {
		*flags = tx_op_flags_;
		return 0;
	}
	return Wrapper::control(FI_GETOPSFLAG, flags);
}

int Endpoint::open_alias(struct fi_alias *request)
{
	auto outer =
		std::unique_ptr<Endpoint>(new Endpoint(domain_, fid.context));
	outer->original_ = Dependence(dependents());
	outer->plane_ = plane_;
	outer->bindings_ = bindings_;
	outer->info_ = copy_info(*info_);
	bool transmit = request->flags & FI_TRANSMIT;
	outer->tx_op_flags_ =
		transmit ? request->flags & ~FI_TRANSMIT : tx_op_flags_;

	fid_t inner = nullptr;
	int ret = fi_alias(inner_fid(), &inner,
			   request->flags & ~our_op_flags(*info_));
	if (ret)
		return ret;
	outer->adopt_inner(reinterpret_cast<fid_ep *>(inner));
	*request->fid = &outer.release()->fid;
	return 0;
}

} // namespace ofi_pmem
