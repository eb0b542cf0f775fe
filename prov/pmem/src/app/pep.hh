/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/fabric.hh"
#include "app/info_variant.hh"
#include "app/wrapper.hh"

#include <rdma/fi_endpoint.h>

namespace ofi_pmem
{

/* A passive endpoint. Its info is the template for those of its requests. */
class PassiveEndpoint final : public Wrapper<fid_pep>
{
public:
	static int open(Fabric &fabric, const fi_info &info, void *context,
			fid_pep **pep);

	const fi_info &info() const noexcept { return *info_; }

	int bind(fid_t other, uint64_t flags);
	int listen();

private:
	PassiveEndpoint(Fabric &fabric, void *context) noexcept;

	Fabric &fabric_;
	Dependence parent_;
	Dependence queue_;
	InfoPtr info_;
	FidMapEntry events_;
	AddressEntry listens_;
};

} // namespace ofi_pmem
