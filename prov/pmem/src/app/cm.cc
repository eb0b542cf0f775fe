/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/cm.hh"

#include "app/ep.hh"
#include "app/pep.hh"

namespace ofi_pmem
{

namespace
{

int ep_connect(fid_ep *ep, const void *address, const void *param,
	       size_t param_len) noexcept
{
	auto &outer = endpoint_of(ep);
	return guarded_use(outer, [&] {
		int ret = fi_connect(outer.inner(), address, param, param_len);
		return ret ? ret : outer.announce_address();
	});
}

/* A child's inherited endpoint stays connected: its parent goes on using it. */
int ep_shutdown(fid_ep *ep, uint64_t flags) noexcept
{
	auto &outer = endpoint_of(ep);
	return outer.inherited() ? 0 : fi_shutdown(outer.inner(), flags);
}

int ep_accept(fid_ep *ep, const void *param, size_t param_len) noexcept
{
	auto &outer = endpoint_of(ep);
	return guarded_use(outer, [&] {
		return fi_accept(outer.inner(), param, param_len);
	});
}

int pep_reject(fid_pep *pep, fid_t handle, const void *param,
	       size_t param_len) noexcept
{
	auto outer = static_cast<PassiveEndpoint *>(pep);
	return guarded_use(*outer, [&] {
		return fi_reject(outer->inner(), handle, param, param_len);
	});
}

int pep_listen(fid_pep *pep) noexcept
{
	auto outer = static_cast<PassiveEndpoint *>(pep);
	return guarded_use(*outer, [&] { return outer->listen(); });
}

fi_ops_cm make_no_cm_ops() noexcept
{
	fi_ops_cm ops{};
	ops.size = sizeof(ops);
	ops.setname = no_sys;
	ops.getname = no_sys;
	ops.getpeer = no_sys;
	ops.connect = no_sys;
	ops.listen = no_sys;
	ops.accept = no_sys;
	ops.reject = no_sys;
	ops.shutdown = no_sys;
	ops.join = no_sys;
	return ops;
}

fi_ops_cm make_ep_cm_ops() noexcept
{
	auto ops = make_no_cm_ops();
	ops.setname = forward<Endpoint, fi_setname>;
	ops.getname = forward<Endpoint, fi_getname>;
	ops.getpeer = forward<Endpoint, fi_getpeer>;
	ops.connect = ep_connect;
	ops.accept = ep_accept;
	ops.shutdown = ep_shutdown;
	ops.join = forward<Endpoint, fi_join>;
	return ops;
}

fi_ops_cm make_pep_cm_ops() noexcept
{
	auto ops = make_no_cm_ops();
	ops.setname = forward<PassiveEndpoint, fi_setname>;
	ops.getname = forward<PassiveEndpoint, fi_getname>;
	ops.listen = pep_listen;
	ops.reject = pep_reject;
	return ops;
}

} // namespace

std::optional<IpAddress> name_of(fid *inner) noexcept
{
	sockaddr_storage name{};
	size_t len = sizeof(name);
	IpAddress address;
	if (fi_getname(inner, &name, &len) || !address.assign(&name, len))
		return std::nullopt;
	return address;
}

fi_ops_cm ep_cm_ops = make_ep_cm_ops();
fi_ops_cm pep_cm_ops = make_pep_cm_ops();
fi_ops_cm no_cm_ops = make_no_cm_ops();

} // namespace ofi_pmem
