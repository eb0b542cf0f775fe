/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/fid_map.hh"
#include "app/wrapper.hh"
#include "core/address_list.hh"

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>

namespace ofi_pmem
{

/*
 * The fabric: parent of domains, event queues and passive endpoints. Called by
 * application threads.
 */
class Fabric final : public Wrapper<fid_fabric>
{
public:
	/* Creates the wrapper together with its inner fabric. */
	static int open(const fi_fabric_attr &attr, void *context,
			fid_fabric **fabric);

	/* Wraps an inner fabric that is open, and takes it over. */
	static int wrap(const fi_fabric_attr &attr, void *context,
			FidPtr<fid_fabric> inner, fid_fabric **fabric);

	/* Maps every inner object that an event can name. */
	FidMap &fids() noexcept { return fids_; }

	/* Its passive endpoints listen at these addresses. */
	AddressList &passive() noexcept { return passive_; }

	/* Arms each waitable object; returns -FI_EAGAIN if one has work. */
	int trywait(fid_t *waitables, int count) noexcept;

private:
	explicit Fabric(void *context) noexcept;

	FidMap fids_;
	AddressList passive_;
};

/* Implements fi_provider::fabric. */
int fabric_open(fi_fabric_attr *attr, fid_fabric **fabric,
		void *context) noexcept;

} // namespace ofi_pmem
