/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/socket_listener.hh"

#include "transport/socket_link.hh"

#include <sys/socket.h>

#include <cerrno>

namespace ofi_pmem
{

namespace
{

class SocketRequest final : public ConnectRequest
{
public:
	SocketRequest(OwnedFd fd, const IpAddress &peer) noexcept
		: fd_(std::move(fd)), peer_(peer)
	{
	}

	const IpAddress *peer() const noexcept override { return &peer_; }

	int accept(Queues *queues, const LinkAttr &attr,
		   std::unique_ptr<Link> *link) override
	{
		auto made = std::make_unique<SocketLink>(
			attr, static_cast<SocketQueues *>(queues),
			std::move(fd_));
		int ret = made->open();
		if (!ret)
			*link = std::move(made);
		return ret;
	}

private:
	OwnedFd fd_;
	const IpAddress peer_;
};

} // namespace

OwnedFd open_socket(int family) noexcept
{
	return OwnedFd(
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/*
 * A service that restarts must get its port back, although old connections of
 * it are in TIME_WAIT (tcp(7)); SO_REUSEADDR lets no two listen there.
 */
int SocketListener::open(IpAddress address)
{
	fd_ = open_socket(address.family());
	int on = 1;
	socklen_t len = sizeof(sockaddr_storage);
	if (!fd_ ||
	    setsockopt(fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd(), address.raw(), IpAddress::kRawLength) ||
	    listen(fd(), SOMAXCONN) || getsockname(fd(), address.raw(), &len))
		return -errno;
	port_ = address.port();
	return queues_->add(this);
}

int SocketListener::accept(std::unique_ptr<ConnectRequest> *request)
{
	sockaddr_storage bytes{};
	socklen_t len = sizeof(bytes);
	OwnedFd fd(accept4(fd_.get(), reinterpret_cast<sockaddr *>(&bytes),
			   &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	if (!fd)
		return -errno;
	IpAddress peer;
	static_cast<void>(peer.assign(&bytes, len));
	*request = std::make_unique<SocketRequest>(std::move(fd), peer);
	return 0;
}

} // namespace ofi_pmem
