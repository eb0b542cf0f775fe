/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistence plane's own inner domain: MSG endpoints of the core provider
 * and NIC that the application's domain uses, FI_THREAD_SAFE. A second domain
 * because tcp refuses MSG endpoints on an RDM domain and because the
 * application's may have been opened without locks (FI_THREAD_DOMAIN).
 *
 * Shared by the initiator and the service of one application domain; immutable
 * after open().
 */
#pragma once

#include <cstdint>
#include <string>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_eq.h>

#include "core/address.hh"
#include "core/fid.hh"
#include "core/info_ptr.hh"

namespace ofi_pmem
{

/*
 * An inner completion queue and event queue, both with a file descriptor to
 * wait on: what each side of the plane (initiator, service) polls.
 */
struct Queues {
	FidPtr<fid_cq> cq;
	FidPtr<fid_eq> eq;
	int cq_fd = -1;
	int eq_fd = -1;
};

class HiddenDomain
{
public:
	/*
	 * `app_info` is the info, of ours, that the application opened its
	 * domain with. Negative fi_errno when the core provider offers no MSG
	 * endpoint with FI_MSG, FI_RMA and send-after-write order.
	 */
	[[nodiscard]] int open(const fi_info &app_info);

	/* An info to connect with. Negative fi_errno when nobody routes there.
	 */
	[[nodiscard]] int info_to(const IpAddress &peer, InfoPtr *info) const;

	/*
	 * An info to listen with, on the interface that the application's
	 * domain was opened for, else on every one.
	 */
	[[nodiscard]] int info_to_listen(uint16_t port, InfoPtr *info) const;

	[[nodiscard]] int open_queues(size_t completions, Queues *queues) const;

	/* 0 when it is safe to block on the queues' file descriptors. */
	[[nodiscard]] int trywait(const Queues &queues) const noexcept;

	fid_fabric *fabric() const noexcept { return fabric_.get(); }
	fid_domain *domain() const noexcept { return domain_.get(); }

	/* Local buffers need a descriptor (FI_MR_LOCAL). */
	bool needs_local_mr() const noexcept { return mr_mode_ & FI_MR_LOCAL; }

	/* Largest one-sided operation, bytes. */
	uint64_t max_transfer() const noexcept { return max_transfer_; }

	/* Remote addresses are virtual ones, not offsets (FI_MR_VIRT_ADDR). */
	bool uses_virtual_addresses() const noexcept
	{
		return mr_mode_ & FI_MR_VIRT_ADDR;
	}

	/*
	 * Registers memory for the channels. Where the core provider takes the
	 * requested key, a random one is supplied.
	 */
	[[nodiscard]] int register_memory(const void *base, size_t len,
					  uint64_t access,
					  FidPtr<fid_mr> *mr) const;

private:
	[[nodiscard]] int query(const char *node, const char *service,
				uint64_t flags, InfoPtr *info) const;

	uint32_t api_version_ = 0;
	std::string core_provider_;
	std::string domain_name_;
	IpAddress own_address_;
	bool has_own_address_ = false;
	int mr_mode_ = 0;
	uint64_t max_transfer_ = 0;
	FidPtr<fid_fabric> fabric_;
	FidPtr<fid_domain> domain_;
};

} // namespace ofi_pmem
