/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An IP address and port, as the channels need it: libfabric's FI_SOCKADDR_IN
 * and FI_SOCKADDR_IN6 addresses hold exactly that.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

namespace ofi_pmem
{

class IpAddress
{
public:
	/*
	 * False when the bytes are not an IPv4 or IPv6 socket address. An
	 * IPv4-mapped address becomes the IPv4 address that it stands for.
	 */
	[[nodiscard]] bool assign(const void *sockaddr_bytes,
				  size_t len) noexcept;

	/* True for 0.0.0.0 and :: */
	bool wildcard() const noexcept;

	int family() const noexcept { return storage_.ss_family; }
	uint16_t port() const noexcept;
	void set_port(uint16_t port) noexcept;

	/* As socket calls take it. */
	sockaddr *raw() noexcept
	{
		return reinterpret_cast<sockaddr *>(&storage_);
	}

	/* The numeric host, with the scope of a link-local address. */
	std::string host() const;

	bool operator==(const IpAddress &other) const noexcept;

	/* Whether they differ in their ports at most. */
	bool same_host(IpAddress other) const noexcept
	{
		other.set_port(port());
		return *this == other;
	}

	/*
	 * Whether a socket that listens here also takes what is for `other`,
	 * on the same port: ipv6(7).
	 */
	bool covers(const IpAddress &other) const noexcept;

private:
	void unmap() noexcept;

	sockaddr_storage storage_{};
};

/*
 * The addresses of this host's interfaces that a socket on the wildcard address
 * `any` listens at. Empty when they cannot be found out.
 */
std::vector<IpAddress> host_addresses(const IpAddress &any);

} // namespace ofi_pmem
