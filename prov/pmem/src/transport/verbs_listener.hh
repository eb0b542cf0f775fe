/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Listens for the links of other hosts; has the requests that arrive. */
#pragma once

#include "transport/verbs_queues.hh"

namespace ofi_pmem
{

class VerbsListener final : public Listener, private VerbsEventHandler
{
public:
	explicit VerbsListener(const VerbsTransport &transport) noexcept
		: transport_(transport)
	{
	}

	[[nodiscard]] int open(IpAddress address, VerbsQueues *queues);
	uint16_t port() const noexcept override { return port_; }

private:
	bool on_event(const Event &event, LinkEvent *told) override;

	const VerbsTransport &transport_;
	VerbsPtr<rdma_cm_id> id_;
	uint16_t port_ = 0;
};

class VerbsConnectRequest final : public ConnectRequest
{
public:
	VerbsConnectRequest(const VerbsTransport &transport,
			    VerbsPtr<rdma_cm_id> id,
			    const rdma_conn_param &asked) noexcept
		: transport_(transport), id_(std::move(id)), asked_(asked)
	{
	}
	~VerbsConnectRequest() override;

	int accept(Queues *queues, const LinkAttr &attr,
		   std::unique_ptr<Link> *link) override;

private:
	const VerbsTransport &transport_;
	VerbsPtr<rdma_cm_id> id_;
	rdma_conn_param asked_;
};

} // namespace ofi_pmem
