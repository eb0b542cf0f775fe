/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bridge/peer_directory.hh"

#include <rdma/fi_errno.h>

#include <netinet/in.h>

#include <algorithm>

namespace ofi_pmem
{

int PeerDirectory::ip_of(fi_addr_t address, sockaddr_storage *ip) const noexcept
{
	sockaddr_storage found{};
	size_t len = sizeof(found);
	int ret = fi_av_lookup(inner_, peer_bits(address), &found, &len);
	if (ret)
		return ret;
	bool v4 = found.ss_family == AF_INET;
	bool v6 = found.ss_family == AF_INET6;
	if (len > sizeof(found) || (!v4 && !v6))
		return -FI_EADDRNOTAVAIL;
	*ip = found;
	return 0;
}

void PeerDirectory::add_listener(AvListener *listener)
{
	MutexLock guard(lock_);
	listeners_.push_back(listener);
}

void PeerDirectory::remove_listener(AvListener *listener) noexcept
{
	MutexLock guard(lock_);
	auto end = std::remove(listeners_.begin(), listeners_.end(), listener);
	listeners_.erase(end, listeners_.end());
}

void PeerDirectory::removing(const fi_addr_t *addresses, size_t count) noexcept
{
	MutexLock guard(lock_);
	for (AvListener *listener : listeners_) {
		for (size_t i = 0; i < count; i++)
			listener->address_removed(addresses[i]);
	}
}

} // namespace ofi_pmem
