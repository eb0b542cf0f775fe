/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The target's half of one domain's persistence plane: hidden listeners, and
 * threads of its own, so that a target whose program sleeps still serves. It
 * starts when the first persistent region is registered. The first thread
 * accepts, and spreads the channels over all
 * (FI_OFI_PMEM_SERVICE_THREADS).
 */
#pragma once

#include "core/auth_key.hh"
#include "core/fork.hh"
#include "service/channel_registry.hh"
#include "service/listeners.hh"
#include "service/placement.hh"
#include "service/region_table.hh"
#include "service/service_thread.hh"
#include "transport/transport.hh"

#include <functional>
#include <memory>
#include <vector>

namespace ofi_pmem
{

class Service final : private ServiceThread::Owner
{
public:
	/*
	 * If there is a key, it serves only initiators that prove to have it.
	 * The table and the ring outlive the service.
	 */
	Service(const Transport &transport, RegionTable *table,
		const AuthKey &key = {}, const KeyRing &keys = KeyRing::none());
	~Service();
	Service(const Service &) = delete;
	Service &operator=(const Service &) = delete;

	/*
	 * The number of stripes with which no thread waits for another at the
	 * table's lock. With FI_OFI_PMEM_LEDGER there is one: the ledgers
	 * compare the order in which requests are executed.
	 */
	static size_t stripes() noexcept;

	/*
	 * Listens at these addresses, or at that of the domain if there are
	 * none, on one port of FI_OFI_PMEM_PORT_RANGE, and starts the threads
	 * close to `near`.
	 */
	[[nodiscard]] int open(std::vector<IpAddress> addresses = {},
			       const Locality &near = {});

	/* Does Listeners::add(). Any thread but our own may call it. */
	[[nodiscard]] int listen_at(const IpAddress &address);

	/* Tries again where it could not listen. Any thread but our own may
	 * call it. */
	void listen_again();

	/* Sets who executes next, and how much, before open(); each thread has
	 * a policy. */
	using Policy = std::unique_ptr<TurnPolicy<Session>>;
	void set_policies(const std::function<Policy()> &make);

	uint16_t port() const noexcept { return port_; }

	/*
	 * Closes the channels that may be in the middle of a one-sided access
	 * to a region that was taken out of the table, and waits until this is
	 * done. Inner providers check a key when a transfer begins (tcp), so a
	 * transfer goes on after the key is gone. Any thread but our own may
	 * call it.
	 */
	void disconnect_users(uint64_t token);

	/* Closes the channels that are sealed with a key that was removed, and
	 * waits until this is done. Any thread but our own may call it. */
	void disconnect_removed();

	/* Gets the exporter's secret of a sealed connection; returns false if
	 * there is none of that name. Any thread but our own may call it. */
	[[nodiscard]] bool exporter(uint64_t connection, TrafficSecret *secret);

private:
	void requested(std::unique_ptr<ConnectRequest> request) override;
	void superseded(size_t thread) override;
	void ended(size_t thread) noexcept override;

	void start_threads(const Locality &near);

	/* It accepts. */
	ServiceThread &first() noexcept { return *threads_.front(); }

	const Origin origin_;
	const Transport &transport_;
	RegionTable *table_;
	const AuthKey auth_key_;
	Listeners listeners_;
	uint16_t port_ = 0;
	ChannelRegistry channels_; /* outlives the threads' sessions */
	std::vector<std::unique_ptr<ServiceThread>> threads_;
};

} // namespace ofi_pmem
