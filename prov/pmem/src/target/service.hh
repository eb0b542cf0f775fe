/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The target's half of one domain's persistence plane: a hidden passive
 * endpoint and one thread, so that a target whose program sleeps still serves.
 * It starts when the first persistent region is registered. The thread calls no
 * object of the application's domain.
 */
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/auth_key.hh"
#include "core/fork.hh"
#include "target/listeners.hh"
#include "target/placement.hh"
#include "target/region_table.hh"
#include "target/session.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

class Service
{
public:
	/* With a key it serves only initiators that prove to have it. */
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

	/* Tries again where it could not listen; likewise. */
	void listen_again();

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

	/* A task for our thread; it lives on its caller's stack. */
	struct Task {
		const std::function<void()> &body;
		bool done = false;
	};

	/* Returns false if the thread has ended or is in another process. */
	bool do_on_thread(const std::function<void()> &body);

	void run() noexcept;
	void loop();
	/* Returns true if something arrived. */
	[[nodiscard]] bool poll_queues(bool events);
	int pause_ms() const noexcept;
	void look_for_descriptors() noexcept;
	[[nodiscard]] bool work();
	void retry_unsent();
	void drop_ungreeted();
	void do_tasks();
	void wake() noexcept;
	[[nodiscard]] bool read_events();
	[[nodiscard]] bool read_completions();
	void accept(std::unique_ptr<ConnectRequest> request);
	void dispatch(const Completion &completion);
	void finish_batch();
	void touch(uint32_t id, Session *session);
	void list_working(uint32_t id, Session *session);
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
	Sessions sessions_;
	std::vector<uint32_t> touched_;
	std::vector<uint32_t> unsent_;
	std::deque<uint32_t> working_; /* in turn */
	std::vector<uint32_t> ungreeted_;
	int wake_fd_ = -1;
	bool warned_exhausted_ = false;
	bool out_of_descriptors_ = false;
	std::chrono::steady_clock::time_point accepts_at_{};
	std::atomic<bool> stopping_{false};
	std::mutex tasks_lock_;
	std::condition_variable tasks_done_;
	std::vector<Task *> tasks_;
	bool stopped_ = false;
	std::thread thread_;
};

} // namespace ofi_pmem
