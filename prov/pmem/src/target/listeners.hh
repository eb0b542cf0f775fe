/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where a service listens: at one or several addresses, all with the same port,
 * which is in the keys of its regions. One thread at a time.
 */
#pragma once

#include <memory>
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
	 * Listens at all of these on one port of FI_OFI_PMEM_PORT_RANGE, for
	 * requests to come to `queues`. Addresses of other NICs than the
	 * domain's are left out. Negative fi_errno, of which -FI_EADDRINUSE
	 * says that no port is free at all of them.
	 */
	[[nodiscard]] int open(std::vector<IpAddress> addresses,
			       Queues *queues);

	/*
	 * One address more, on the port of the others. -FI_EADDRINUSE: somebody
	 * else has it there.
	 */
	[[nodiscard]] int add(const IpAddress &address);

	void close() noexcept { listening_.clear(); }

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
	bool covered(const IpAddress &address) const noexcept;

	const Transport &transport_;
	Queues *queues_ = nullptr;
	uint16_t port_ = 0;
	std::vector<Listening> listening_;
};

} // namespace ofi_pmem
