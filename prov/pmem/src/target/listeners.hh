/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where a service listens: at one or several addresses, all with the same port,
 * which is in the keys of its regions. One thread at a time, but for covers().
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
	 * Listens at all of these on one port of FI_OFI_PMEM_PORT_RANGE, for
	 * requests to come to `queues`. Addresses of other NICs than the
	 * domain's are left out, and, with a warning, those that cannot be
	 * listened at while others can. Negative fi_errno, of which
	 * -FI_EADDRINUSE says that no port is free at all of them: somebody
	 * else would be taken for us.
	 */
	[[nodiscard]] int open(std::vector<IpAddress> addresses,
			       Queues *queues);

	/*
	 * One address more, on the port of the others. -FI_EADDRINUSE: somebody
	 * else has it there.
	 */
	[[nodiscard]] int add(const IpAddress &address);

	/* Who connects there reaches one of them. Any thread. */
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

	const Transport &transport_;
	Queues *queues_ = nullptr;
	uint16_t port_ = 0;
	mutable std::mutex lock_; /* of what one thread changes */
	std::vector<Listening> listening_;
};

} // namespace ofi_pmem
