/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/domain.hh"

#include "app/atomic.hh"
#include "app/av.hh"
#include "app/cntr.hh"
#include "app/cq.hh"
#include "app/domain_ext.hh"
#include "app/ep.hh"
#include "app/mr.hh"
#include "app/srx.hh"
#include "core/key.hh"
#include "core/layout.hh"
#include "core/log.hh"
#include "protocol/atomic.hh"

#include <rdma/fi_atomic.h>
#include <rdma/fi_collective.h>
#include <rdma/fi_ext_pmem.h>

#include <cstring>
#include <memory>

namespace ofi_pmem
{

namespace
{

Domain &domain_of(fid_domain *domain) noexcept
{
	return *static_cast<Domain *>(domain);
}

int domain_av_open(fid_domain *domain, fi_av_attr *attr, fid_av **av,
		   void *context) noexcept
{
	return guarded_use(domain_of(domain), [&] {
		return AddressVector::open(domain_of(domain), attr, context,
					   av);
	});
}

int domain_cq_open(fid_domain *domain, fi_cq_attr *attr, fid_cq **cq,
		   void *context) noexcept
{
	return guarded_use(domain_of(domain), [&] {
		return CompletionQueue::open(domain_of(domain), attr, context,
					     cq);
	});
}

int domain_endpoint(fid_domain *domain, fi_info *info, fid_ep **ep,
		    void *context) noexcept
{
	return guarded_use(domain_of(domain), [&] {
		return Endpoint::open(domain_of(domain), *info, 0, context, ep);
	});
}

int domain_endpoint2(fid_domain *domain, fi_info *info, fid_ep **ep,
		     uint64_t flags, void *context) noexcept
{
	return guarded_use(domain_of(domain), [&] {
		return Endpoint::open(domain_of(domain), *info, flags, context,
				      ep);
	});
}

int domain_cntr_open(fid_domain *domain, fi_cntr_attr *attr, fid_cntr **cntr,
		     void *context) noexcept
{
	return guarded_use(domain_of(domain), [&] {
		return Counter::open(domain_of(domain), attr, context, cntr);
	});
}

int domain_srx_ctx(fid_domain *domain, fi_rx_attr *attr, fid_ep **srx,
		   void *context) noexcept
{
	return guarded_use(domain_of(domain), [&] {
		return SharedReceive::open(domain_of(domain), attr, context,
					   srx);
	});
}

int query_own_atomic(fi_datatype datatype, fi_op op, fi_atomic_attr *attr,
		     uint64_t flags) noexcept
{
	auto kind = flags & FI_COMPARE_ATOMIC ? AtomicKind::compare
		    : flags & FI_FETCH_ATOMIC ? AtomicKind::fetch
					      : AtomicKind::base;
	size_t count = 0;
	int ret = own_atomic_valid(kind, datatype, op, &count);
	if (!ret && attr)
		*attr = {count, atomic_size(datatype)};
	return ret;
}

/*
 * A call may be for a persistent key, whose service limits the number of
 * elements.
 */
int domain_query_atomic(fid_domain *domain, fi_datatype datatype, fi_op op,
			fi_atomic_attr *attr, uint64_t flags) noexcept
{
	auto &outer = domain_of(domain);
	if (outer.owns_atomics())
		return query_own_atomic(datatype, op, attr, flags);
	int ret = fi_query_atomic(outer.inner(), datatype, op, attr, flags);
	if (!ret && attr && outer.persistent())
		attr->count = limit_atomic_count(datatype, attr->count);
	return ret;
}

fi_ops_domain make_domain_ops() noexcept
{
	fi_ops_domain ops{};
	ops.size = sizeof(ops);
	ops.av_open = domain_av_open;
	ops.cq_open = domain_cq_open;
	ops.endpoint = domain_endpoint;
	ops.scalable_ep = no_sys;
	ops.cntr_open = domain_cntr_open;
	ops.poll_open = no_sys;
	ops.stx_ctx = no_sys;
	ops.srx_ctx = domain_srx_ctx;
	ops.query_atomic = domain_query_atomic;
	ops.query_collective = forward<Domain, fi_query_collective>;
	ops.endpoint2 = domain_endpoint2;
#ifdef HAVE_STRUCT_FI_OPS_DOMAIN_XPU_CTX
	/* What this object exports would bypass us. */
	ops.xpu_ctx = no_sys;
#endif
	return ops;
}

RoomyOps<fi_ops_domain> domain_ops(make_domain_ops());

} // namespace

Domain::Domain(Fabric &fabric, void *context) noexcept
	: Wrapper(FI_CLASS_DOMAIN, context, &FidOps<Domain>::table),
	  fabric_(fabric), parent_(fabric.dependents())
{
	ops = &domain_ops.known;
	mr = &mr_ops;
}

int Domain::open_app_plane(Fabric &fabric, const fi_info &info, uint64_t flags,
			   void *context, fid_domain **domain)
{
	if (flags & FI_PEER)
		return -FI_ENOSYS;
	std::unique_ptr<Domain> outer(new Domain(fabric, context));
	outer->info_ = copy_info(info);
	if (outer->persistent())
		outer->traits_ = inner_traits(fabric.api_version, info);
	auto below = outer->inner_info(info);
	fid_domain *inner = nullptr;
	int ret = fi_domain2(fabric.inner(), below.get(), &inner, flags,
			     &outer->fid);
	if (ret)
		return ret;
	outer->inner_.reset(inner);
	*domain = outer.release();
	return 0;
}

int Domain::open(Fabric &fabric, const fi_info &info, uint64_t flags,
		 void *context, fid_domain **domain)
{
	fid_domain *opened = nullptr;
	int ret = open_app_plane(fabric, info, flags, context, &opened);
	if (ret)
		return ret;
	std::unique_ptr<Domain> outer(static_cast<Domain *>(opened));
	if (outer->persistent()) {
		outer->persistence_ = std::make_unique<Persistence>();
		ret = outer->persistence_->open(info, &fabric.passive());
		if (ret)
			return ret;
		outer->source_ = &outer->persistence_->initiator();
	}
	PMEM_INFO(FI_LOG_DOMAIN, "opened %s domain %s",
		  outer->persistent() ? "persistent" : "plain",
		  info.domain_attr->name);
	*domain = outer.release();
	return 0;
}

InfoPtr Domain::inner_info(const fi_info &info) const
{
	return ofi_pmem::inner_info(info, traits_);
}

bool Domain::accepts_auth_key(const AuthKey &key) const noexcept
{
	if (key.empty() || !persistence() || key == persistence()->auth_key())
		return true;
	PMEM_WARN(FI_LOG_DOMAIN,
		  "endpoints and regions of a persistent domain have the "
		  "domain's auth_key or none, and not another one");
	return false;
}

int Domain::inner_key(uint64_t *key) const noexcept
{
	return persistent() && !traits_.prov_key ? choose_inner_key(key) : 0;
}

int Domain::bind(fid_t other, uint64_t flags)
{
	auto below = inner_of(other);
	if (!below)
		return -FI_EINVAL;
	bound_.reserve(bound_.size() + 1);
	int ret = fi_domain_bind(inner(), below, flags);
	if (!ret)
		bound_.emplace_back(*dependents_of(other));
	return ret;
}

int Domain::control(int command, void *arg) noexcept
{
	switch (command) {
	case FI_QUEUE_WORK:
	case FI_CANCEL_WORK:
	case FI_FLUSH_WORK:
		/* Deferred work names endpoints and counters of ours. */
		return -FI_ENOSYS;
	default:
		return Wrapper::control(command, arg);
	}
}

int Domain::ops_open(const char *name, uint64_t flags, void **table,
		     void *context) noexcept
{
	if (strcmp(name, FI_PMEM_DOMAIN_OPS))
		return Wrapper::ops_open(name, flags, table, context);
	return open_domain_extension(*this, flags, table);
}

} // namespace ofi_pmem
