/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An address vector, as the persistence plane uses it: addresses of peers, and
 * news of those that are removed.
 */
#pragma once

#include "core/lock.hh"

#include <rdma/fi_domain.h>

#include <sys/socket.h>

#include <cstddef>
#include <vector>

namespace ofi_pmem
{

/* A listener learns that a peer is about to leave an address vector. */
class AvListener
{
public:
	virtual ~AvListener() = default;

	/*
	 * The address still resolves. The thread that removes it calls this
	 * under the listener lock, so it must not add or remove a listener.
	 */
	virtual void address_removed(fi_addr_t address) noexcept = 0;
};

class PeerDirectory
{
public:
	/* Uses this inner address vector, whose addresses have `rx_ctx_bits`
	 * bits of a receive context. */
	void open(fid_av *inner, int rx_ctx_bits) noexcept
	{
		inner_ = inner;
		rx_ctx_bits_ = rx_ctx_bits;
	}

	/*
	 * Gets the peer's address, a sockaddr_in or sockaddr_in6. Bits of a
	 * receive context are ignored. Returns 0, or -FI_EADDRNOTAVAIL if the
	 * address is of another kind.
	 */
	[[nodiscard]] int ip_of(fi_addr_t address,
				sockaddr_storage *ip) const noexcept;

	/* Returns the address without the bits of a receive context. */
	fi_addr_t peer_bits(fi_addr_t address) const noexcept
	{
		return rx_ctx_bits_ ? address & (~0ULL >> rx_ctx_bits_)
				    : address;
	}

	/* Throws std::bad_alloc. Any thread may call these. */
	void add_listener(AvListener *listener);
	void remove_listener(AvListener *listener) noexcept;

	/* Notifies the listeners of addresses that are about to be removed. */
	void removing(const fi_addr_t *addresses, size_t count) noexcept;

private:
	fid_av *inner_ = nullptr;
	int rx_ctx_bits_ = 0;
	Mutex lock_{lock_rank::kAddressVector};
	std::vector<AvListener *> listeners_ PMEM_GUARDED_BY(lock_);
};

} // namespace ofi_pmem
