/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/address.hh"

#include <cstring>

#include <netdb.h>

namespace ofi_pmem
{

namespace
{

const sockaddr_in &as_in(const sockaddr_storage &storage) noexcept
{
	return reinterpret_cast<const sockaddr_in &>(storage);
}

const sockaddr_in6 &as_in6(const sockaddr_storage &storage) noexcept
{
	return reinterpret_cast<const sockaddr_in6 &>(storage);
}

} // namespace

bool IpAddress::assign(const void *sockaddr_bytes, size_t len) noexcept
{
	sockaddr_storage storage{};
	if (!sockaddr_bytes || len < sizeof(sockaddr_in) ||
	    len > sizeof(storage))
		return false;
	std::memcpy(&storage, sockaddr_bytes, len);
	bool known =
		storage.ss_family == AF_INET ||
		(storage.ss_family == AF_INET6 && len >= sizeof(sockaddr_in6));
	if (known)
		storage_ = storage;
	return known;
}

bool IpAddress::wildcard() const noexcept
{
	if (family() == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&as_in6(storage_).sin6_addr);
	return as_in(storage_).sin_addr.s_addr == htonl(INADDR_ANY);
}

uint16_t IpAddress::port() const noexcept
{
	return ntohs(family() == AF_INET6 ? as_in6(storage_).sin6_port
					  : as_in(storage_).sin_port);
}

void IpAddress::set_port(uint16_t port) noexcept
{
	if (family() == AF_INET6)
		reinterpret_cast<sockaddr_in6 &>(storage_).sin6_port =
			htons(port);
	else
		reinterpret_cast<sockaddr_in &>(storage_).sin_port =
			htons(port);
}

std::string IpAddress::host() const
{
	char text[NI_MAXHOST] = "";
	socklen_t len = family() == AF_INET6 ? sizeof(sockaddr_in6)
					     : sizeof(sockaddr_in);
	if (getnameinfo(reinterpret_cast<const sockaddr *>(&storage_), len,
			text, sizeof(text), nullptr, 0, NI_NUMERICHOST))
		return "unknown";
	return text;
}

bool IpAddress::operator==(const IpAddress &other) const noexcept
{
	if (family() != other.family() || port() != other.port())
		return false;
	if (family() == AF_INET6)
		return as_in6(storage_).sin6_scope_id ==
			       as_in6(other.storage_).sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&as_in6(storage_).sin6_addr,
					  &as_in6(other.storage_).sin6_addr);
	return as_in(storage_).sin_addr.s_addr ==
	       as_in(other.storage_).sin_addr.s_addr;
}

} // namespace ofi_pmem
