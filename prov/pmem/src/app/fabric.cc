/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/fabric.hh"

#include "app/cntr.hh"
#include "app/cq.hh"
#include "app/domain.hh"
#include "app/eq.hh"
#include "app/info_name.hh"
#include "app/pep.hh"

#include <memory>

namespace ofi_pmem
{

namespace
{

int fabric_domain(fid_fabric *fabric, fi_info *info, fid_domain **domain,
		  void *context) noexcept
{
	return guarded_use(*static_cast<Fabric *>(fabric), [&] {
		return Domain::open(*static_cast<Fabric *>(fabric), *info, 0,
				    context, domain);
	});
}

int fabric_domain2(fid_fabric *fabric, fi_info *info, fid_domain **domain,
		   uint64_t flags, void *context) noexcept
{
	return guarded_use(*static_cast<Fabric *>(fabric), [&] {
		return Domain::open(*static_cast<Fabric *>(fabric), *info,
				    flags, context, domain);
	});
}

int fabric_passive_ep(fid_fabric *fabric, fi_info *info, fid_pep **pep,
		      void *context) noexcept
{
	return guarded_use(*static_cast<Fabric *>(fabric), [&] {
		return PassiveEndpoint::open(*static_cast<Fabric *>(fabric),
					     *info, context, pep);
	});
}

int fabric_eq_open(fid_fabric *fabric, fi_eq_attr *attr, fid_eq **eq,
		   void *context) noexcept
{
	return guarded_use(*static_cast<Fabric *>(fabric), [&] {
		return EventQueue::open(*static_cast<Fabric *>(fabric), attr,
					context, eq);
	});
}

int fabric_trywait(fid_fabric *fabric, fid **waitables, int count) noexcept
{
	auto outer = static_cast<Fabric *>(fabric);
	return own_use(*outer,
		       [&] { return outer->trywait(waitables, count); });
}

fi_ops_fabric make_fabric_ops() noexcept
{
	fi_ops_fabric ops{};
	ops.size = sizeof(ops);
	ops.domain = fabric_domain;
	ops.passive_ep = fabric_passive_ep;
	ops.eq_open = fabric_eq_open;
	ops.wait_open = no_sys; /* inner providers have none */
	ops.trywait = fabric_trywait;
	ops.domain2 = fabric_domain2;
	return ops;
}

fi_ops_fabric fabric_ops = make_fabric_ops();

} // namespace

Fabric::Fabric(void *context) noexcept
	: Wrapper(FI_CLASS_FABRIC, context, &FidOps<Fabric>::table)
{
	ops = &fabric_ops;
}

int Fabric::open(const fi_fabric_attr &attr, void *context, fid_fabric **fabric)
{
	auto name = inner_name(attr.prov_name ? attr.prov_name : "");
	if (!name || name->empty())
		return -FI_ENODEV;
	fi_fabric_attr inner_attr = attr;
	inner_attr.fabric = nullptr;
	inner_attr.prov_name = name->data();
	inner_attr.prov_version = 0;

	fid_fabric *inner = nullptr;
	int ret = fi_fabric(&inner_attr, &inner, nullptr);
	if (ret)
		return ret;
	return wrap(attr, context, FidPtr<fid_fabric>(inner), fabric);
}

int Fabric::wrap(const fi_fabric_attr &attr, void *context,
		 FidPtr<fid_fabric> inner, fid_fabric **fabric)
{
	auto outer = new Fabric(context);
	outer->inner_ = std::move(inner);
	outer->api_version = attr.api_version;
	*fabric = outer;
	return 0;
}

int Fabric::trywait(fid_t *waitables, int count) noexcept
{
	for (int i = 0; i < count; i++) {
		fid_t waitable = waitables[i];
		int ret;
		if (is_inherited(waitable)) {
			ret = Origin::refuse();
		} else if (is_ours<CompletionQueue>(waitable)) {
			ret = outer_of<CompletionQueue>(waitable)->trywait();
		} else if (is_ours<Counter>(waitable)) {
			ret = outer_of<Counter>(waitable)->trywait();
		} else {
			auto below = inner_of(waitable);
			ret = below ? fi_trywait(inner(), &below, 1)
				    : -FI_EINVAL;
		}
		if (ret)
			return ret;
	}
	return 0;
}

int fabric_open(fi_fabric_attr *attr, fid_fabric **fabric,
		void *context) noexcept
{
	return guarded([&] { return Fabric::open(*attr, context, fabric); });
}

} // namespace ofi_pmem
