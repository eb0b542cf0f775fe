/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Where a service listens: at one or several addresses, all with the same port,
 * which is in the keys of its regions. One thread at a time, where not said
 * otherwise.
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
	 * domain's are skipped, and, with a warning, those that cannot be
	 * listened at while others can, until retry(). Negative fi_errno:
	 * -FI_ENODEV if all belong to other NICs, -FI_EADDRINUSE if no port is
	 * free at all of them: somebody else would be taken for us.
	 */
	[[nodiscard]] int open(std::vector<IpAddress> addresses,
			       Queues *queues);

	/*
	 * One address more, on the port of the others. -FI_EADDRINUSE: somebody
	 * else has it there.
	 */
	[[nodiscard]] int add(const IpAddress &address);

	/* Tries again what could not be listened at. */
	void retry();

	/* Nothing waits for retry(). Any thread. */
	bool complete() const noexcept;

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
	void leave_out(const IpAddress &address, int error);

	const Transport &transport_;
	Queues *queues_ = nullptr;
	uint16_t port_ = 0;
	mutable std::mutex lock_; /* of what one thread changes */
	std::vector<Listening> listening_;
	std::vector<IpAddress> left_out_;
};

} // namespace ofi_pmem
