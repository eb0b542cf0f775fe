/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An IP address and port, as the channels need it. libfabric's FI_SOCKADDR_IN
 * and FI_SOCKADDR_IN6 addresses hold exactly that.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ofi_pmem
{

class IpAddress
{
public:
	/*
	 * Returns false if the bytes are not an IPv4 or IPv6 socket address. An
	 * IPv4-mapped address becomes the IPv4 address that it stands for.
	 */
	[[nodiscard]] bool assign(const void *sockaddr_bytes,
				  size_t len) noexcept;

	/* Returns true for 0.0.0.0 and :: */
	bool wildcard() const noexcept;

	int family() const noexcept { return storage_.ss_family; }
	uint16_t port() const noexcept;
	void set_port(uint16_t port) noexcept;

	/* Returns the form that socket calls take, and its length in bytes. */
	static constexpr socklen_t kRawLength = sizeof(sockaddr_storage);
	sockaddr *raw() noexcept
	{
		return reinterpret_cast<sockaddr *>(&storage_);
	}

	/* Returns the numeric host, with the scope of a link-local address. */
	std::string host() const;

	bool operator==(const IpAddress &other) const noexcept;

	/* Returns true if they differ at most in their ports. */
	bool same_host(IpAddress other) const noexcept
	{
		other.set_port(port());
		return *this == other;
	}

	/*
	 * True if a socket that listens here also accepts what is for `other`,
	 * on the same port (ipv6(7)).
	 */
	bool covers(const IpAddress &other) const noexcept;

private:
	void unmap() noexcept;

	sockaddr_storage storage_{};
};

/*
 * Returns the addresses of this host's interfaces at which a socket on the
 * wildcard address `any` listens; empty if they cannot be found out.
 */
std::vector<IpAddress> host_addresses(const IpAddress &any);

} // namespace ofi_pmem
