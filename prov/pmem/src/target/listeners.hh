/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A service listens at one or several addresses, all with the same port, which
 * is in the keys of its regions. One thread at a time may call this, except
 * where noted.
 */
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "transport/transport.hh"

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
	 * requests come to `queues`. It leaves out addresses of other NICs than
	 * the domain's and, with a warning and until retry(), those at which it
	 * cannot listen while it can at others. Returns 0 or a negative
	 * fi_errno; -FI_ENODEV means that all belong to other NICs,
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

	/* True if retry() has nothing to do. Any thread may call it. */
	bool complete() const noexcept;

	/* True if connecting there reaches one of them. Any thread may call
	 * it. */
	bool covers(const IpAddress &address) const noexcept;

	void close() noexcept;

	uint16_t port() const noexcept { return port_; }

private:
	struct Listening {
		IpAddress address;
		std::unique_ptr<Listener> listener;
	};

	[[nodiscard]] int listen(const std::vector<IpAddress> &addresses,
				 uint16_t port);
	[[nodiscard]] int listen(IpAddress address);
	[[nodiscard]] int add_host_addresses(const IpAddress &any);
	void leave_out(const IpAddress &address, int error);

	const Transport &transport_;
	Queues *queues_ = nullptr;
	uint16_t port_ = 0;
	mutable std::mutex lock_; /* for changes by the one thread */
	std::vector<Listening> listening_;
	std::vector<IpAddress> left_out_;
};

} // namespace ofi_pmem
