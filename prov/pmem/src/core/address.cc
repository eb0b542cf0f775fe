/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/address.hh"

#include <ifaddrs.h>
#include <netdb.h>
#include <unistd.h>

#include <cstring>

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

/* This holds unless bindv6only (ip-sysctl) says otherwise. */
bool ipv6_takes_ipv4() noexcept
{
	int only = 1;
	socklen_t len = sizeof(only);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len))
		only = 1;
	close(fd);
	return !only;
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
	if (known) {
		storage_ = storage;
		unmap();
	}
	return known;
}

void IpAddress::unmap() noexcept
{
	if (family() != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&as_in6(storage_).sin6_addr))
		return;
	sockaddr_in plain{};
	plain.sin_family = AF_INET;
	plain.sin_port = as_in6(storage_).sin6_port;
	std::memcpy(&plain.sin_addr, &as_in6(storage_).sin6_addr.s6_addr[12],
		    sizeof(plain.sin_addr));
	storage_ = {};
	std::memcpy(&storage_, &plain, sizeof(plain));
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

bool IpAddress::covers(const IpAddress &other) const noexcept
{
	if (same_host(other))
		return true;
	if (!wildcard())
		return false;
	return family() == other.family() ||
	       (family() == AF_INET6 && ipv6_takes_ipv4());
}

std::vector<IpAddress> host_addresses(const IpAddress &any)
{
	std::vector<IpAddress> found;
	ifaddrs *list = nullptr;
	if (getifaddrs(&list))
		return found;
	for (const ifaddrs *one = list; one; one = one->ifa_next) {
		IpAddress address;
		if (one->ifa_addr &&
		    address.assign(one->ifa_addr,
				   one->ifa_addr->sa_family == AF_INET
					   ? sizeof(sockaddr_in)
					   : sizeof(sockaddr_in6)) &&
		    any.covers(address))
			found.push_back(address);
	}
	freeifaddrs(list);
	return found;
}

} // namespace ofi_pmem
