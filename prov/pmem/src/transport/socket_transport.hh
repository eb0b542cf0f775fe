/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The transport over TCP sockets of our own, for every domain that has no NIC
 * of InfiniBand's kind: all that the initiator wants is in messages, and the
 * service, on the target's CPU, does it.
 */
#pragma once

#include "transport/transport.hh"

namespace ofi_pmem
{

class SocketTransport final : public Transport
{
public:
	explicit SocketTransport(const fi_info &app_info) noexcept;

	int open_queues(size_t completions,
			std::unique_ptr<Queues> *queues) const override;
	int connect(const IpAddress &peer, Queues *queues, const LinkAttr &attr,
		    std::unique_ptr<Link> *link) const override;
	int listen(const IpAddress &address, Queues *queues,
		   std::unique_ptr<Listener> *listener) const override;
	int register_memory(const void *base, size_t len, uint64_t access,
			    bool persistent,
			    std::unique_ptr<LinkMemory> *memory) const override;
};

} // namespace ofi_pmem
