/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Parses and formats addresses; no name is resolved here.
 */
#include "client/address.hh"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace fi_pmem
{

namespace
{

bool parse_port(const std::string &text, uint16_t *port)
{
	auto end = text.data() + text.size();
	auto result = std::from_chars(text.data(), end, *port);
	return result.ec == std::errc{} && result.ptr == end && *port;
}

std::string join(const std::string &host, unsigned port)
{
	bool is_v6 = host.find(':') != host.npos;
	return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

} // namespace

bool parse_address(const std::string &text, Address *address)
{
	Address parsed;
	std::string rest;
	if (!text.empty() && text.front() == '[') {
		size_t close = text.find(']');
		if (close == text.npos)
			return false;
		parsed.host = text.substr(1, close - 1);
		rest = text.substr(close + 1);
	} else if (std::count(text.begin(), text.end(), ':') > 1) {
		parsed.host = text; /* an IPv6 address and no port */
	} else {
		size_t colon = std::min(text.find(':'), text.size());
		parsed.host = text.substr(0, colon);
		rest = text.substr(colon);
	}
	if (parsed.host.empty())
		return false;
	if (!rest.empty() &&
	    (rest.front() != ':' || !parse_port(rest.substr(1), &parsed.port)))
		return false;
	*address = parsed;
	return true;
}

std::string format_address(const void *sockaddr_storage)
{
	if (!sockaddr_storage)
		return "?";
	char host[INET6_ADDRSTRLEN] = "?";
	switch (static_cast<const sockaddr *>(sockaddr_storage)->sa_family) {
	case AF_INET: {
		auto in = static_cast<const sockaddr_in *>(sockaddr_storage);
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		return join(host, ntohs(in->sin_port));
	}
	case AF_INET6: {
		auto in6 = static_cast<const sockaddr_in6 *>(sockaddr_storage);
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		return join(host, ntohs(in6->sin6_port));
	}
	default:
		return "?";
	}
}

std::string format_address(const Address &address)
{
	return join(address.host, address.port);
}

} // namespace fi_pmem
