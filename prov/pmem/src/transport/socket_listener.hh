/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Listens for the sockets of channels. */
#pragma once

#include "core/address.hh"
#include "core/owned_fd.hh"
#include "transport/socket_queues.hh"

namespace ofi_pmem
{

/* Returns a socket for this family, or an empty one, with errno. */
OwnedFd open_socket(int family) noexcept;

class SocketListener final : public Listener
{
public:
	explicit SocketListener(SocketQueues *queues) noexcept : queues_(queues)
	{
	}
	~SocketListener() override { queues_->remove(*this); }

	/* Returns 0 or a negative fi_errno. */
	[[nodiscard]] int open(IpAddress address);

	uint16_t port() const noexcept override { return port_; }
	int fd() const noexcept { return fd_.get(); }

	/* Takes a connection that waits; returns 0 or a negative fi_errno. */
	[[nodiscard]] int accept(std::unique_ptr<ConnectRequest> *request);

private:
	SocketQueues *queues_;
	OwnedFd fd_;
	uint16_t port_ = 0;
};

} // namespace ofi_pmem
