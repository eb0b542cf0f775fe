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

#include <netinet/in.h>
#include <sys/socket.h>

namespace ofi_pmem
{

class IpAddress
{
public:
	/* False when the bytes are not an IPv4 or IPv6 socket address. */
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

private:
	sockaddr_storage storage_{};
};

} // namespace ofi_pmem
