/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/av.hh"

#include <rdma/fi_collective.h>

#include <algorithm>
#include <memory>

namespace ofi_pmem
{

namespace
{

int av_remove(fid_av *av, fi_addr_t *addresses, size_t count,
	      uint64_t flags) noexcept
{
	auto outer = static_cast<AddressVector *>(av);
	return own_use(*outer,
		       [&] { return outer->remove(addresses, count, flags); });
}

fi_ops_av make_av_ops() noexcept
{
	fi_ops_av ops{};
	ops.size = sizeof(ops);
	ops.insert = forward<AddressVector, fi_av_insert>;
	ops.insertsvc = forward<AddressVector, fi_av_insertsvc>;
	ops.insertsym = forward<AddressVector, fi_av_insertsym>;
	ops.remove = av_remove;
	ops.lookup = forward<AddressVector, fi_av_lookup>;
	ops.straddr = forward<AddressVector, fi_av_straddr>;
	ops.av_set = forward<AddressVector, fi_av_set>;
#ifdef HAVE_STRUCT_FI_OPS_AV_INSERT_AUTH_KEY
	ops.insert_auth_key = forward<AddressVector, fi_av_insert_auth_key>;
	ops.lookup_auth_key = forward<AddressVector, fi_av_lookup_auth_key>;
#endif
#ifdef HAVE_STRUCT_FI_OPS_AV_SET_USER_ID
	ops.set_user_id = forward<AddressVector, fi_av_set_user_id>;
#endif
#ifdef HAVE_STRUCT_FI_OPS_AV_LOOKUP2
	ops.lookup2 = forward<AddressVector, fi_av_lookup2>;
#endif
	return ops;
}

fi_ops_av av_ops = make_av_ops();

} // namespace

AddressVector::AddressVector(Domain &domain, void *context) noexcept
	: Wrapper(FI_CLASS_AV, context, &FidOps<AddressVector>::table),
	  parent_(domain.dependents())
{
	ops = &av_ops;
}

int AddressVector::open(Domain &domain, fi_av_attr *attr, void *context,
			fid_av **av)
{
	if (attr && (attr->flags & FI_PEER))
		return -FI_ENOSYS;
	std::unique_ptr<AddressVector> outer(
		new AddressVector(domain, context));
	fid_av *inner = nullptr;
	int ret = fi_av_open(domain.inner(), attr, &inner, &outer->fid);
	if (ret)
		return ret;
	outer->inner_.reset(inner);
	outer->peers_.open(inner, attr ? attr->rx_ctx_bits : 0);
	outer->events_ = FidMapEntry(domain.fabric().fids(), outer->inner_fid(),
				     &outer->fid);
	*av = outer.release();
	return 0;
}

int AddressVector::remove(fi_addr_t *addresses, size_t count,
			  uint64_t flags) noexcept
{
	peers_.removing(addresses, count);
	return fi_av_remove(inner(), addresses, count, flags);
}

int AddressVector::bind(fid_t other, uint64_t flags)
{
	auto below = inner_of(other);
	if (!below)
		return -FI_EINVAL;
	int ret = inner_fid()->ops->bind(inner_fid(), below, flags);
	if (!ret)
		queue_ = Dependence(*dependents_of(other));
	return ret;
}

} // namespace ofi_pmem
