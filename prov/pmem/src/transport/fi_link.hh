/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* A link over an inner MSG endpoint, its listener and connection request. */
#pragma once

#include "transport/fi_queues.hh"
#include "transport/nic_link.hh"

#include <rdma/fi_endpoint.h>

namespace ofi_pmem
{

class FiLink final : public NicLink
{
public:
	explicit FiLink(const LinkAttr &attr) noexcept : NicLink(attr) {}
	~FiLink() override;

	/*
	 * Opens and enables the endpoint and posts every receive buffer.
	 * `info` is one to connect with, or that of a connection request.
	 */
	[[nodiscard]] int open(const FiTransport &transport, FiQueues *queues,
			       fi_info *info);
	[[nodiscard]] int connect(const fi_info &info);
	[[nodiscard]] int accept();

	/* A connection request belongs to the endpoint made from it. */
	bool has_endpoint() const noexcept { return ep_ != nullptr; }

	int post_receive(uint16_t slot) noexcept override;
	int post_chain(const OneSided *chain, size_t count,
		       uint16_t slot) noexcept override;
	void chain_done(uint16_t) noexcept override {}

private:
	int post_send(uint16_t slot, size_t len) noexcept override;
	[[nodiscard]] int open_endpoint(const FiTransport &transport,
					fi_info *info);

	FiQueues *queues_ = nullptr;
	size_t inject_size_ = 0;
	/* The last member, so that it is closed before the buffers it uses. */
	FidPtr<fid_ep> ep_;
};

class FiListener final : public Listener
{
public:
	[[nodiscard]] int open(const FiTransport &transport, FiQueues *queues,
			       fi_info *info);
	uint16_t port() const noexcept override { return port_; }

private:
	FidPtr<fid_pep> pep_;
	uint16_t port_ = 0;
};

class FiConnectRequest final : public ConnectRequest
{
public:
	FiConnectRequest(const FiTransport &transport, fid_pep *pep,
			 InfoPtr info) noexcept
		: transport_(transport), pep_(pep), info_(std::move(info))
	{
	}
	~FiConnectRequest() override;

	int accept(Queues *queues, const LinkAttr &attr,
		   std::unique_ptr<Link> *link) override;

private:
	const FiTransport &transport_;
	fid_pep *pep_;
	InfoPtr info_;
	bool taken_ = false;
};

} // namespace ofi_pmem
