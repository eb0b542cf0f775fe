/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * HOST[:PORT] as people write it: names, IPv4, IPv6 in brackets; and the way
 * back from a socket address.
 */
#pragma once

#include <cstdint>
#include <string>

namespace fi_pmem
{

/* No service is registered for it; 7471, 7473 and 7474 next to it are taken. */
inline constexpr uint16_t kDefaultPort = 7476;

struct Address {
	std::string host;
	uint16_t port = kDefaultPort;
};

/* False if `text` is no HOST, HOST:PORT, [V6] or [V6]:PORT. */
[[nodiscard]] bool parse_address(const std::string &text, Address *address);

/* ADDR:PORT, [V6]:PORT, or "?" for a family without ports. */
[[nodiscard]] std::string format_address(const void *sockaddr_storage);

[[nodiscard]] std::string format_address(const Address &address);

} // namespace fi_pmem
