/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/domain.hh"
#include "app/wrapper.hh"

#include <rdma/fi_endpoint.h>

#include <vector>

namespace ofi_pmem
{

/* A shared receive context, the receiving half of an endpoint. It forwards. */
class SharedReceive final : public Wrapper<fid_ep>
{
public:
	static int open(Domain &domain, const fi_rx_attr *attr, void *context,
			fid_ep **srx);

	int bind(fid_t other, uint64_t flags);

private:
	SharedReceive(Domain &domain, void *context) noexcept;

	Dependence parent_;
	std::vector<Dependence> bound_;
};

} // namespace ofi_pmem
