/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A service listens at one or several addresses, all with the same port, which
 * is in the keys of its regions. One thread at a time may call this, except
 * where noted.
 */
#pragma once

#include "core/lock.hh"
#include "transport/transport.hh"

#include <memory>
#include <vector>

namespace ofi_pmem
{

class Listeners
{
public:
	explicit Listeners(const Transport &transport) noexcept
		: transport_(transport)
	{
	}

	/*
	 * Listens at all of these on one port of FI_OFI_PMEM_PORT_RANGE;
	 * requests come to `queues`. Addresses of other NICs than the domain's
	 * are left out. If it can listen at some addresses only, it leaves out
	 * the others with a warning, until retry(). Returns 0 or a negative
	 * fi_errno: -FI_ENODEV means that all belong to other NICs,
	 * -FI_EADDRINUSE that no port is free at all of them, so that a peer
	 * could mistake another program for us.
	 */
	[[nodiscard]] int open(std::vector<IpAddress> addresses,
			       Queues *queues);

	/*
	 * Adds an address, on the port of the others. Returns -FI_EADDRINUSE if
	 * another program has the port there.
	 */
	[[nodiscard]] int add(const IpAddress &address);

	/* Tries again where it could not listen. */
	void retry();

	/* Returns true if retry() has nothing to do. Any thread may call it. */
	bool complete() const noexcept;

	/* Returns true if connecting there reaches one of them. Any thread may
	 * call it. */
	bool covers(const IpAddress &address) const noexcept;

	void close() noexcept;

	uint16_t port() const noexcept { return port_; }

private:
	struct Listening {
		IpAddress address;
		std::unique_ptr<Listener> listener;
	};

	bool listens() const noexcept;
	[[nodiscard]] int listen(const std::vector<IpAddress> &addresses,
				 uint16_t port);
	[[nodiscard]] int listen(IpAddress address);
	[[nodiscard]] int add_host_addresses(const IpAddress &any);
	void leave_out(const IpAddress &address, int error);

	const Transport &transport_;
	Queues *queues_ = nullptr;
	uint16_t port_ = 0;
	mutable Mutex lock_{
		lock_rank::kListeners}; /* the one thread changes under it */
	std::vector<Listening> listening_ PMEM_GUARDED_BY(lock_);
	std::vector<IpAddress> left_out_ PMEM_GUARDED_BY(lock_);
};

} // namespace ofi_pmem
