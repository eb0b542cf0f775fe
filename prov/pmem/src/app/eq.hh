/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/fabric.hh"
#include "app/wrapper.hh"

#include <rdma/fi_eq.h>

namespace ofi_pmem
{

/*
 * An event queue. Events of the inner provider name inner objects and are
 * translated on the way up; events that the application wrote itself come back
 * unchanged. Application threads call it.
 */
class EventQueue final : public Wrapper<fid_eq>
{
public:
	static int open(Fabric &fabric, fi_eq_attr *attr, void *context,
			fid_eq **eq);

	ssize_t read(uint32_t *event, void *buf, size_t len,
		     uint64_t flags) noexcept;
	ssize_t sread(uint32_t *event, void *buf, size_t len, int timeout,
		      uint64_t flags) noexcept;
	ssize_t readerr(fi_eq_err_entry *entry, uint64_t flags) noexcept;

private:
	EventQueue(Fabric &fabric, void *context) noexcept;

	ssize_t translate(uint32_t event, void *buf, ssize_t len,
			  uint64_t flags) noexcept;
	int translate_request(fi_eq_cm_entry *entry, fid_t outer) noexcept;

	Fabric &fabric_;
	Dependence parent_;
};

} // namespace ofi_pmem
