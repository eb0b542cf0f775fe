/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Parses HOST[:PORT] as people write it, with names, IPv4, and IPv6 in
 * brackets, and formats socket addresses in the same way.
 */
#pragma once

#include <cstdint>
#include <string>

namespace fi_pmem
{

/*
 * No service is registered for this port; 7471, 7473 and 7474 next to it are
 * taken.
 */
inline constexpr uint16_t kDefaultPort = 7476;

struct Address {
	std::string host;
	uint16_t port = kDefaultPort;
};

/* Returns false if `text` is not HOST, HOST:PORT, [V6] or [V6]:PORT. */
[[nodiscard]] bool parse_address(const std::string &text, Address *address);

/* Returns ADDR:PORT, [V6]:PORT, or "?" for a family without ports. */
[[nodiscard]] std::string format_address(const void *sockaddr_storage);

[[nodiscard]] std::string format_address(const Address &address);

} // namespace fi_pmem
