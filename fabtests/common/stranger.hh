/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "common/region_file.hh"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pmem_test
{

/* A stranger's connection to the service's port. */
class Stranger
{
public:
	explicit Stranger(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0))
	{
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_port = htons(port);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		connected_ =
			!connect(fd_, reinterpret_cast<sockaddr *>(&address),
				 sizeof(address));
	}
	~Stranger() { close(fd_); }
	Stranger(const Stranger &) = delete;
	Stranger &operator=(const Stranger &) = delete;

	bool connected() const { return connected_; }
	void send(const Bytes &bytes)
	{
		static_cast<void>(::send(fd_, bytes.data(), bytes.size(),
					 MSG_NOSIGNAL | MSG_DONTWAIT));
	}
	/* The next close() resets the connection. */
	void reset_on_close()
	{
		linger hard{1, 0};
		setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	}
	void end_of_stream() { shutdown(fd_, SHUT_WR); }

private:
	int fd_;
	bool connected_;
};

} // namespace pmem_test
