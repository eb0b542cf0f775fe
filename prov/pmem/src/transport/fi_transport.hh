/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The transport over an inner domain of its own: MSG endpoints of the core
 * provider and NIC that the application's domain uses, FI_THREAD_SAFE. It needs
 * a second domain because tcp refuses MSG endpoints on an RDM domain, and
 * because the application's domain may have been opened without locks
 * (FI_THREAD_DOMAIN).
 */
#pragma once

#include "core/fid.hh"
#include "transport/transport.hh"

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_eq.h>

#include <cstdint>
#include <string>

namespace ofi_pmem
{

class FiTransport final : public Transport
{
public:
	/* See open_transport(). */
	[[nodiscard]] int open(const fi_info &app_info);

	int open_queues(size_t completions,
			std::unique_ptr<Queues> *queues) const override;
	int connect(const IpAddress &peer, Queues *queues, const LinkAttr &attr,
		    std::unique_ptr<Link> *link) const override;
	int listen(const IpAddress &address, Queues *queues,
		   std::unique_ptr<Listener> *listener) const override;
	int register_memory(const void *base, size_t len, uint64_t access,
			    bool persistent,
			    std::unique_ptr<LinkMemory> *memory) const override;

	fid_fabric *fabric() const noexcept { return fabric_.get(); }
	fid_domain *domain() const noexcept { return domain_.get(); }

private:
	[[nodiscard]] int query(const char *node, const char *service,
				uint64_t flags, InfoPtr *info) const;
	void learn_traits(const fi_info &info);

	std::string core_provider_;
	std::string domain_name_;
	int mr_mode_ = 0;
	FidPtr<fid_fabric> fabric_;
	FidPtr<fid_domain> domain_;
};

} // namespace ofi_pmem
