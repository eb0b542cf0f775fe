/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <mutex>
#include <vector>

#include "app/domain.hh"
#include "app/wrapper.hh"

#include <rdma/fi_domain.h>

#include <sys/socket.h>

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

/*
 * An address vector: forwarded, except that listeners hear of removals. The
 * sets of fi_av_set() are the inner provider's own objects.
 */
class AddressVector final : public Wrapper<fid_av>
{
public:
	static int open(Domain &domain, fi_av_attr *attr, void *context,
			fid_av **av);

	/*
	 * Gets the peer's address, a sockaddr_in or sockaddr_in6. Bits of a
	 * receive context are ignored. Returns 0, or -FI_EADDRNOTAVAIL if the
	 * address is of another kind.
	 */
	[[nodiscard]] int ip_of(fi_addr_t address,
				sockaddr_storage *ip) const noexcept;

	/* The address without the bits of a receive context. */
	fi_addr_t peer_bits(fi_addr_t address) const noexcept
	{
		return rx_ctx_bits_ ? address & (~0ULL >> rx_ctx_bits_)
				    : address;
	}

	/* Throws std::bad_alloc. Any thread may call it. */
	void add_listener(AvListener *listener);
	void remove_listener(AvListener *listener) noexcept;

	int remove(fi_addr_t *addresses, size_t count, uint64_t flags) noexcept;
	int bind(fid_t other, uint64_t flags);

private:
	AddressVector(Domain &domain, void *context) noexcept;

	Dependence parent_;
	Dependence queue_;
	FidMapEntry events_;
	int rx_ctx_bits_ = 0;
	std::mutex lock_;
	std::vector<AvListener *> listeners_;
};

} // namespace ofi_pmem
