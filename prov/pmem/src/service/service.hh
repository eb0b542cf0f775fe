/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The target's half of one domain's persistence plane: a hidden passive
 * endpoint and one thread, so that a target whose program sleeps still serves.
 * It starts when the first persistent region is registered. The thread calls no
 * object of the application's domain.
 */
#pragma once

#include "core/auth_key.hh"
#include "core/fork.hh"
#include "core/lock.hh"
#include "core/ready_queue.hh"
#include "service/accept_pause.hh"
#include "service/listeners.hh"
#include "service/placement.hh"
#include "service/region_table.hh"
#include "service/session.hh"
#include "service/sync_threads.hh"
#include "service/task_queue.hh"
#include "transport/transport.hh"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

class Service
{
public:
	/*
	 * If there is a key, it serves only initiators that prove to have it.
	 */
	Service(const Transport &transport, RegionTable *table,
		const AuthKey &key = {});
	~Service();
	Service(const Service &) = delete;
	Service &operator=(const Service &) = delete;

	/*
	 * Listens at these addresses, or at that of the domain if there are
	 * none, on one port of FI_OFI_PMEM_PORT_RANGE, and starts the thread
	 * close to `near`.
	 */
	[[nodiscard]] int open(std::vector<IpAddress> addresses = {},
			       const Locality &near = {});

	/* Does Listeners::add(). Any thread but our own may call it. */
	[[nodiscard]] int listen_at(const IpAddress &address);

	/* Tries again where it could not listen. Any thread but our own may
	 * call it. */
	void listen_again();

	/* Sets who executes next, and how much, before open(). */
	void set_policy(std::unique_ptr<TurnPolicy<Session>> policy) noexcept
	{
		ready_.set_policy(std::move(policy));
	}

	uint16_t port() const noexcept { return port_; }

	/*
	 * Closes the channels that may be in the middle of a one-sided access
	 * to a region that was taken out of the table, and waits until this is
	 * done. Inner providers check a key when a transfer begins (tcp), so a
	 * transfer goes on after the key is gone. Any thread but our own may
	 * call it.
	 */
	void disconnect_users(uint64_t token);

private:
	using Sessions = std::unordered_map<uint32_t, std::unique_ptr<Session>>;

	/* Returns false if the thread has ended or is in another process. */
	bool do_on_thread(const std::function<void()> &body);

	void run() noexcept;
	void loop();
	/* Returns true if something arrived. */
	[[nodiscard]] bool poll_queues(bool events);
	int pause_ms() const noexcept;
	[[nodiscard]] bool give_turn();
	[[nodiscard]] bool resume_synced();
	void retry_unsent();
	void drop_ungreeted();
	void drop_stopped();
	[[nodiscard]] bool read_events();
	[[nodiscard]] bool read_completions();
	[[nodiscard]] bool too_many_from(const IpAddress &address) const;
	void accept(std::unique_ptr<ConnectRequest> request);
	void dispatch(const Completion &completion)
		PMEM_REQUIRES(table_->lock());
	void finish_batch() PMEM_REQUIRES(table_->lock());
	void go_on(Session *session) PMEM_REQUIRES(table_->lock());
	void run(Session *session) PMEM_REQUIRES(table_->lock());
	void drop_earlier(const Session &session);
	template <typename Predicate>
	void drop_if(const char *why, Predicate leaves);
	void drop(uint32_t id, const char *why);

	const Origin origin_;
	const Transport &transport_;
	RegionTable *table_;
	const AuthKey auth_key_;
	std::unique_ptr<Queues> queues_;
	Listeners listeners_;
	uint16_t port_ = 0;
	uint32_t last_link_id_ = 0;
	TaskQueue tasks_;
	SyncThreads syncs_; /* wakes by tasks_, serves the sessions */
	Sessions sessions_;
	/*
	 * Sessions with a batch to finish are here; those that wait are parked.
	 */
	ReadyQueue<Session> ready_;
	std::vector<uint32_t> ungreeted_;
	AcceptPause pause_;
	std::atomic<bool> stopping_{false};
	std::thread thread_;
};

} // namespace ofi_pmem
