/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/socket_transport.hh"

#include "transport/socket_link.hh"
#include "transport/socket_listener.hh"

#include <cerrno>

namespace ofi_pmem
{

SocketTransport::SocketTransport(const fi_info &app_info) noexcept
{
	learn_own_address(app_info);
	traits_.one_sided = false;
	traits_.long_writes = true;
	traits_.accepts_elsewhere = true;
}

int SocketTransport::open_queues(size_t, std::unique_ptr<Queues> *queues) const
{
	auto made = std::make_unique<SocketQueues>();
	int ret = made->open();
	if (!ret)
		*queues = std::move(made);
	return ret;
}

int SocketTransport::connect(const IpAddress &peer, Queues *queues,
			     const LinkAttr &attr,
			     std::unique_ptr<Link> *link) const
{
	OwnedFd fd = open_socket(peer.family());
	if (!fd)
		return -errno;
	auto made = std::make_unique<SocketLink>(
		attr, static_cast<SocketQueues *>(queues), std::move(fd));
	int ret = made->connect(peer);
	if (!ret)
		*link = std::move(made);
	return ret;
}

int SocketTransport::listen(const IpAddress &address, Queues *queues,
			    std::unique_ptr<Listener> *listener) const
{
	auto made = std::make_unique<SocketListener>(
		static_cast<SocketQueues *>(queues));
	int ret = made->open(address);
	if (!ret)
		*listener = std::move(made);
	return ret;
}

int SocketTransport::register_memory(const void *, size_t, uint64_t, bool,
				     std::unique_ptr<LinkMemory> *) const
{
	return -FI_EOPNOTSUPP;
}

} // namespace ofi_pmem
