/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/service.hh"

#include "core/descriptors.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "core/thread.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace ofi_pmem
{

namespace
{

constexpr size_t kCompletions = 8192;

/* See initiator.cc: connection events are read less often while busy. */
constexpr uint32_t kRoundsPerEventRead = 64;
/* They are read at least this often, where a round syncs a file. */
constexpr auto kEventReadInterval = std::chrono::milliseconds(2);

/* Unfinished business is looked at this often, in milliseconds. */
constexpr int kRetryMs = 1;
constexpr uint32_t kSilenceCheckMs = 1000;

constexpr const char *kClosed = "closed by the initiator";
constexpr const char *kOutOfTurn = "malformed or out-of-turn request";

void warn_cannot_listen(int ret) noexcept
{
	PMEM_WARN(FI_LOG_DOMAIN,
		  "persistence service cannot listen where the endpoints do, "
		  "port range %u-%u: %s (%d)",
		  params().port_low, params().port_high, fi_strerror(-ret),
		  -ret);
}

} // namespace

Service::Service(const Transport &transport, RegionTable *table,
		 const AuthKey &key)
	: transport_(transport), table_(table), auth_key_(key),
	  listeners_(transport), syncs_([this] { tasks_.wake(); })
{
}

Service::~Service()
{
	if (thread_.joinable()) {
		stopping_ = true;
		tasks_.wake();
		thread_.join();
	}
	sessions_.clear();
	listeners_.close();
}

int Service::open(std::vector<IpAddress> addresses, const Locality &near)
{
	int ret = transport_.open_queues(kCompletions, &queues_);
	if (ret)
		return ret;
	if (addresses.empty())
		addresses.push_back(transport_.own_address());
	ret = listeners_.open(std::move(addresses), queues_.get());
	if (ret == -FI_ENODEV) /* they all belong to other NICs */
		ret = listeners_.open({transport_.own_address()},
				      queues_.get());
	if (ret) {
		warn_cannot_listen(ret);
		return ret;
	}
	port_ = listeners_.port();
	ret = tasks_.open();
	if (ret)
		return ret;
	thread_ = thread_without_signals([this, near] {
		place_thread(params().service_cpus, near);
		run();
	});
	return 0;
}

int Service::listen_at(const IpAddress &address)
{
	/* The thread may be at work, and a child has none. */
	if (!origin_.inherited() && listeners_.covers(address))
		return 0;
	int ret = -FI_ECANCELED;
	do_on_thread([&] { ret = listeners_.add(address); });
	if (ret)
		PMEM_WARN(FI_LOG_DOMAIN,
			  "persistence service cannot listen at %s port %u, "
			  "which its keys name: %s (%d)",
			  address.host().c_str(), port_, fi_strerror(-ret),
			  -ret);
	return ret;
}

void Service::listen_again()
{
	if (!listeners_.complete())
		do_on_thread([&] { listeners_.retry(); });
}

void Service::run() noexcept
{
	try {
		loop();
	} catch (const std::exception &error) {
		/* Initiators see their connections close, never an ack. */
		PMEM_WARN(FI_LOG_DOMAIN, "persistence service stops: %s",
			  error.what());
		sessions_.clear();
		listeners_.close();
	}
	tasks_.end();
}

void Service::disconnect_users(uint64_t token)
{
	/* An endpoint must not close while its queue is read. */
	do_on_thread([this, token] {
		drop_if("its region is closed", [token](const Session &one) {
			return one.uses(token);
		});
	});
}

bool Service::do_on_thread(const std::function<void()> &body)
{
	return !origin_.inherited() && tasks_.run(body);
}

/* Polls for a while after the last arrival, then sleeps. */
void Service::loop()
{
	using Clock = std::chrono::steady_clock;
	const auto spin = std::chrono::microseconds(params().spin_us);
	pollfd fds[] = {{queues_->completion_fd(), POLLIN, 0},
			{queues_->event_fd(), POLLIN, 0},
			{tasks_.fd(), POLLIN, 0}};
	auto last_arrival = Clock::now();
	auto last_event_read = last_arrival;
	uint32_t rounds = 0;
	uint32_t wakeups = 0;
	bool events = true;
	while (!stopping_) {
		bool arrived = poll_queues(events);
		if (give_turn())
			arrived = true;
		if (resume_synced())
			arrived = true;
		auto now = Clock::now();
		events = ++rounds % kRoundsPerEventRead == 0 ||
			 now - last_event_read >= kEventReadInterval;
		if (events) {
			last_event_read = now;
			tasks_.execute(); /* also when it is never idle */
		}
		if (arrived) {
			last_arrival = now;
			continue;
		}
		if (now - last_arrival < spin)
			continue;
		/* tasks_.execute() may have taken the wake-up of the
		 * destructor. */
		bool accepts = pause_.over();
		fds[1].fd = accepts ? queues_->event_fd() : -1;
		if (!stopping_ && !queues_->trywait())
			poll(fds, 3, pause_ms());
		if (accepts &&
		    (pause_.exhausted() || ++wakeups % kWakeupsPerLook == 0))
			pause_.look(tasks_.fd());
		retry_unsent();
		drop_ungreeted();
		drop_stopped();
		tasks_.execute();
		events = true;
	}
}

/* Returns how long to sleep when nothing arrives. */
int Service::pause_ms() const noexcept
{
	if (ready_.any_parked(Wait::sends))
		return kRetryMs;
	if (pause_.exhausted())
		return AcceptPause::kPauseMs;
	if (ungreeted_.empty() && !queues_->any_amid_message())
		return -1;
	uint32_t timeout = params().operation_timeout_ms;
	return static_cast<int>(
		timeout ? std::min(kSilenceCheckMs, timeout / 4 + 1)
			: kSilenceCheckMs);
}

/*
 * Gives one session that needs it another turn; what has arrived meanwhile
 * comes before the next. Returns false when there is none.
 */
bool Service::give_turn()
{
	Session *session = ready_.unpark(Wait::turn);
	if (!session)
		return false;
	MutexLock guard(table_->lock());
	go_on(session);
	finish_batch();
	return true;
}

/* Goes on with what waited for a sync that has ended. */
bool Service::resume_synced()
{
	if (!syncs_.take_ended())
		return false;
	if (syncs_.take_failed())
		table_->share_failures();
	MutexLock guard(table_->lock());
	while (Session *session = ready_.unpark(Wait::sync))
		go_on(session);
	finish_batch();
	return true;
}

/* Sends answers that the inner provider could not take when they were due. */
void Service::retry_unsent()
{
	if (!ready_.any_parked(Wait::sends))
		return;
	MutexLock guard(table_->lock());
	while (ready_.unpark(Wait::sends))
		;
	finish_batch();
}

/* Drops peers that connect and say nothing, because they hold buffers. */
void Service::drop_ungreeted()
{
	auto latest = std::chrono::steady_clock::now() -
		      std::chrono::milliseconds(params().connect_timeout_ms);
	std::vector<uint32_t> waiting;
	waiting.swap(ungreeted_);
	for (uint32_t id : waiting) {
		auto it = sessions_.find(id);
		if (it == sessions_.end() || it->second->greeting().done())
			continue;
		if (it->second->opened < latest)
			drop(id, "no greeting in time");
		else
			ungreeted_.push_back(id);
	}
}

/* Drops peers that have stopped in the middle of a message. */
void Service::drop_stopped()
{
	std::chrono::milliseconds timeout(params().operation_timeout_ms);
	if (!timeout.count() || !queues_->any_amid_message())
		return;
	auto now = std::chrono::steady_clock::now();
	drop_if("it stopped in the middle of a message",
		[&](Session &one) { return one.stopped(now, timeout); });
}

bool Service::poll_queues(bool events)
{
	bool arrived = read_completions();
	if (events && read_events())
		arrived = true;
	return arrived;
}

bool Service::read_events()
{
	LinkEvent event;
	bool any = false;
	while (queues_->read_event(&event)) {
		any = true;
		switch (event.kind) {
		case LinkEvent::Kind::request:
			accept(std::move(event.request));
			break;
		case LinkEvent::Kind::connected:
			break; /* its first message shows that, too */
		case LinkEvent::Kind::closed:
			drop(event.link, kClosed);
			break;
		case LinkEvent::Kind::failed:
			drop(event.link, "connection error");
			break;
		}
	}
	return any;
}

/*
 * Those that have not greeted are counted apart, so that strangers do not take
 * the place of initiators at the same address.
 */
bool Service::too_many_from(const IpAddress &address) const
{
	size_t greeted = 0;
	size_t silent = 0;
	for (const auto &[id, session] : sessions_) {
		if (session->is_from(address))
			++(session->greeting().done() ? greeted : silent);
	}
	return std::max(greeted, silent) >= params().max_per_address;
}

void Service::accept(std::unique_ptr<ConnectRequest> request)
{
	const char *limit = nullptr;
	if (sessions_.size() >= params().max_channels)
		limit = "FI_OFI_PMEM_MAX_CHANNELS";
	else if (request->peer() && too_many_from(*request->peer()))
		limit = "FI_OFI_PMEM_MAX_PER_ADDRESS";
	if (limit) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "channel from %s refused: %s is reached, there are "
			  "%zu channels",
			  request->peer() ? request->peer()->host().c_str()
					  : "an unknown address",
			  limit, sessions_.size());
		table_->events().refused(DomainEvents::channels);
		return;
	}
	auto session = std::make_unique<Session>(table_, &syncs_, auth_key_);
	uint32_t id = ++last_link_id_;
	int ret = session->open(request.get(), queues_.get(), id,
				transport_.traits().long_writes);
	if (ret) {
		PMEM_WARN(FI_LOG_EP_CTRL, "cannot accept a channel: %s (%d)",
			  fi_strerror(-ret), -ret);
		return;
	}
	sessions_.emplace(id, std::move(session));
	ungreeted_.push_back(id);
}

/*
 * Where many have arrived, there may be more to read. A larger batch has fewer
 * drains, but its first commit waits for its last.
 */
bool Service::read_completions()
{
	constexpr size_t kBatch = 32, kMost = size_t{2} * wire::kMaxCredits;
	constexpr size_t kMany = 8;
	Completion completions[kBatch];
	size_t count = queues_->read_completions(completions, kBatch);
	if (!count)
		return false;
	MutexLock guard(table_->lock());
	size_t all = 0;
	do {
		for (size_t i = 0; i < count; i++)
			dispatch(completions[i]);
		all += count;
		bool more = count >= kMany && all < kMost;
		count = more ? queues_->read_completions(completions, kBatch)
			     : 0;
	} while (count);
	finish_batch();
	return true;
}

void Service::dispatch(const Completion &completion)
{
	const Handle &handle = completion.handle;
	auto it = sessions_.find(handle.link);
	if (it == sessions_.end())
		return; /* its channel is closed */
	if (completion.err) {
		drop(handle.link, completion.err == FI_ENOTCONN
					  ? kClosed
					  : "an inner operation failed");
		return;
	}
	Session *session = it->second.get();
	if (handle.kind == Handle::send)
		session->on_sent(handle.slot);
	if (handle.kind == Handle::rest)
		go_on(session);
	else if (handle.kind == Handle::receive &&
		 !session->enqueue(handle.slot, completion.len))
		drop(handle.link, kOutOfTurn);
	else
		run(session);
}

/* What it has begun goes on, and then what is behind it. */
void Service::go_on(Session *session)
{
	if (session->go_on())
		run(session);
	else
		drop(session->id(), kOutOfTurn);
}

/* Its batch answers what it executes now. */
void Service::run(Session *session)
{
	bool new_channel = !session->greeting().done();
	if (!session->run(ready_.budget(*session))) {
		drop(session->id(), kOutOfTurn);
		return;
	}
	ready_.add(session);
	if (new_channel && session->greeting().done())
		drop_earlier(*session);
}

/*
 * Drops the connection that this one replaces. What the initiator still has
 * under way there has failed for it, and the application may write the same
 * bytes again. The first operation of the new connection comes after its first
 * Resolve, and so after this.
 */
void Service::drop_earlier(const Session &session)
{
	if (!session.greeting().channel())
		return;
	drop_if("its initiator has connected again", [&](const Session &one) {
		return &one != &session &&
		       one.greeting().channel() == session.greeting().channel();
	});
}

void Service::finish_batch()
{
	while (Session *session = ready_.take()) {
		if (!session->finish_batch())
			drop(session->id(), "answers cannot be sent");
		else if (session->needs_turn())
			ready_.park(session, Wait::turn);
		else if (session->unsent())
			ready_.park(session, Wait::sends);
		else if (session->awaits_sync())
			ready_.park(session, Wait::sync);
	}
}

template <typename Predicate>
void Service::drop_if(const char *why, Predicate leaves)
{
	std::vector<uint32_t> leaving;
	for (auto &[id, session] : sessions_) {
		if (leaves(*session))
			leaving.push_back(id);
	}
	for (uint32_t id : leaving)
		drop(id, why);
}

void Service::drop(uint32_t id, const char *why)
{
	auto it = sessions_.find(id);
	if (it == sessions_.end())
		return;
	if (it->second->greeting().unproven())
		table_->events().refused(DomainEvents::authentication);
	ready_.remove(it->second.get());
	sessions_.erase(it);
	PMEM_INFO(FI_LOG_EP_CTRL, "channel %u dropped: %s", id, why);
}

} // namespace ofi_pmem
