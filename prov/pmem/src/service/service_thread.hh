/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One thread of a service, with the channels that it serves: it receives,
 * executes and answers. It shares the regions with the others, and executes
 * under its own stripe of their table's lock, so that no thread waits for
 * another on the way of a write. It calls no object of the application's
 * domain.
 */
#pragma once

#include "core/auth_key.hh"
#include "core/fork.hh"
#include "core/ready_queue.hh"
#include "service/accept_pause.hh"
#include "service/channel_registry.hh"
#include "service/inbox.hh"
#include "service/placement.hh"
#include "service/region_table.hh"
#include "service/session.hh"
#include "service/workspace.hh"
#include "transport/transport.hh"

#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

class ServiceThread
{
public:
	using Admission = ChannelRegistry::Admission;

	/* The service; the thread calls it. */
	class Owner
	{
	public:
		/* Somebody connects. */
		virtual void
		requested(std::unique_ptr<ConnectRequest> request) = 0;
		/* A channel of that other thread is superseded. */
		virtual void superseded(size_t thread) = 0;
		virtual void ended(size_t thread) noexcept = 0;

	protected:
		~Owner() = default;
	};

	/* What all threads of a service have in common. */
	struct Common {
		const Transport &transport;
		RegionTable *table;
		Gate gate;
		ChannelRegistry *channels;
		Owner *owner;
	};

	ServiceThread(const Common &common, size_t number);
	~ServiceThread();
	ServiceThread(const ServiceThread &) = delete;
	ServiceThread &operator=(const ServiceThread &) = delete;

	/* Call both before others. open() returns 0 or a negative fi_errno;
	 * start() starts the thread close to `near`. */
	[[nodiscard]] int open();
	void start(const Locality &near);
	/* Ends the thread and its channels. */
	void stop();

	/* Sets who executes next, and how much, before start(). */
	void set_policy(std::unique_ptr<TurnPolicy<Session>> policy) noexcept
	{
		ready_.set_policy(std::move(policy));
	}

	Queues *queues() const noexcept { return queues_.get(); }

	/* Any thread may call the rest. */

	/* Serves the channel that is requested. */
	void serve(std::unique_ptr<ConnectRequest> request,
		   std::unique_ptr<Admission> admission);

	/*
	 * Waits until the thread has executed this. Returns false if it has
	 * ended or is in another process. Our own threads must not call it.
	 */
	bool execute(const std::function<void()> &body);

	/* Drops the channels that may be amid one-sided access to a region, or
	 * are sealed with a key that was removed. */
	void disconnect_users(uint64_t token);
	void disconnect_removed();

	/* See Service::exporter(). */
	[[nodiscard]] bool exporter(uint64_t connection, TrafficSecret *secret);

	/* Waits until superseded channels execute nothing; drops them soon. */
	void silence_superseded();

private:
	using Sessions = std::unordered_map<uint32_t, std::unique_ptr<Session>>;

	void run() noexcept;
	void loop();
	/* Returns true if something arrived. */
	[[nodiscard]] bool poll_queues(bool events);
	int pause_ms() const noexcept;
	[[nodiscard]] bool give_turn();
	[[nodiscard]] bool resume_synced();
	void hear_others();
	void tell_others();
	void retry_unsent();
	void drop_ungreeted();
	void drop_stopped();
	[[nodiscard]] bool read_events();
	[[nodiscard]] bool read_completions();
	void accept(Inbox::Request request);
	void dispatch(const Completion &completion)
		PMEM_REQUIRES_SHARED(common_.table->lock());
	void finish_batch() PMEM_REQUIRES_SHARED(common_.table->lock());
	void go_on(Session *session)
		PMEM_REQUIRES_SHARED(common_.table->lock());
	void run(Session *session) PMEM_REQUIRES_SHARED(common_.table->lock());
	void greeted(Session *session);
	void drop_superseded();
	template <typename Predicate>
	void drop_if(const char *why, Predicate leaves);
	void drop(uint32_t id, const char *why);

	const Origin origin_;
	const Common common_;
	const size_t number_;
	std::unique_ptr<Queues> queues_;
	uint32_t last_link_id_ = 0;
	Inbox inbox_;
	Workspace workspace_; /* wakes by the inbox, serves the sessions */
	Sessions sessions_;
	/*
	 * Sessions with a batch to finish are here; those that wait are parked.
	 */
	ReadyQueue<Session> ready_;
	std::vector<uint32_t> ungreeted_;
	/* Threads whose channels are superseded by one of ours. */
	std::vector<size_t> to_tell_;
	AcceptPause pause_;
	std::thread thread_;
};

} // namespace ofi_pmem
