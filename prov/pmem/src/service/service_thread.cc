/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/service_thread.hh"

#include "core/log.hh"
#include "core/params.hh"
#include "core/thread.hh"

#include <poll.h>

#include <algorithm>
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
constexpr const char *kSuperseded = "its initiator has connected again";

} // namespace

ServiceThread::ServiceThread(const Common &common, size_t number)
	: common_(common), number_(number),
	  workspace_([this] { inbox_.wake(); })
{
}

ServiceThread::~ServiceThread()
{
	stop();
}

int ServiceThread::open()
{
	int ret = common_.transport.open_queues(kCompletions, &queues_);
	return ret ? ret : inbox_.open();
}

void ServiceThread::start(const Locality &near)
{
	thread_ = thread_without_signals([this, near] {
		place_thread(params().service_cpus, near);
		run();
	});
}

void ServiceThread::stop()
{
	if (thread_.joinable()) {
		inbox_.stop();
		thread_.join();
	}
	sessions_.clear();
}

void ServiceThread::run() noexcept
{
	try {
		loop();
	} catch (const std::exception &error) {
		/* Initiators see their connections close, never an ack. */
		PMEM_WARN(FI_LOG_DOMAIN, "persistence service stops: %s",
			  error.what());
		common_.owner->ended(number_);
		sessions_.clear();
	}
	inbox_.end();
}

void ServiceThread::serve(std::unique_ptr<ConnectRequest> request,
			  std::unique_ptr<Admission> admission)
{
	inbox_.serve({std::move(request), std::move(admission)});
}

bool ServiceThread::execute(const std::function<void()> &body)
{
	return !origin_.inherited() && inbox_.run(body);
}

void ServiceThread::disconnect_users(uint64_t token)
{
	/* An endpoint must not close while its queue is read. */
	execute([this, token] {
		drop_if("its region is closed", [token](const Session &one) {
			return one.uses(token);
		});
	});
}

void ServiceThread::disconnect_removed()
{
	execute([this] {
		drop_if("its region key is removed", [](const Session &one) {
			return one.key() && one.key()->removed();
		});
	});
}

bool ServiceThread::exporter(uint64_t connection, TrafficSecret *secret)
{
	bool found = false;
	execute([&] {
		for (auto &[id, session] : sessions_) {
			const ChannelSeal &seal = session->greeting().seal();
			if (!seal.key || seal.connection != connection)
				continue;
			*secret = seal.exporter;
			found = true;
		}
	});
	return found;
}

/* The lock shows that the batch has ended in which they were not known to be
 * superseded. */
void ServiceThread::silence_superseded()
{
	{
		SharedLock guard(common_.table->lock(), number_);
		inbox_.note_superseded();
	}
	inbox_.wake();
}

/* Polls for a while after the last arrival, then sleeps. */
void ServiceThread::loop()
{
	using Clock = std::chrono::steady_clock;
	const auto spin = std::chrono::microseconds(params().spin_us);
	pollfd fds[] = {{queues_->completion_fd(), POLLIN, 0},
			{queues_->event_fd(), POLLIN, 0},
			{inbox_.fd(), POLLIN, 0}};
	auto last_arrival = Clock::now();
	auto last_event_read = last_arrival;
	uint32_t rounds = 0;
	uint32_t wakeups = 0;
	bool events = true;
	while (!inbox_.stopping()) {
		bool arrived = poll_queues(events);
		if (give_turn())
			arrived = true;
		tell_others();
		auto now = Clock::now();
		events = ++rounds % kRoundsPerEventRead == 0 ||
			 now - last_event_read >= kEventReadInterval;
		if (events) {
			last_event_read = now;
			hear_others(); /* also when it is never idle */
		}
		/* Behind hear_others(), which takes the wake-up. */
		if (resume_synced())
			arrived = true;
		if (arrived) {
			last_arrival = now;
			continue;
		}
		if (now - last_arrival < spin)
			continue;
		/* hear_others() may have taken the wake-up of stop(). */
		bool accepts = pause_.over();
		fds[1].fd = accepts ? queues_->event_fd() : -1;
		if (!inbox_.stopping() && !queues_->trywait())
			poll(fds, 3, pause_ms());
		if (accepts &&
		    (pause_.exhausted() || ++wakeups % kWakeupsPerLook == 0))
			pause_.look(inbox_.fd());
		retry_unsent();
		drop_ungreeted();
		drop_stopped();
		hear_others();
		events = true;
	}
}

/* Does what other threads have asked for. */
void ServiceThread::hear_others()
{
	inbox_.execute();
	for (Inbox::Request &request : inbox_.take_requests())
		accept(std::move(request));
	if (inbox_.take_superseded())
		drop_superseded();
}

/*
 * Nothing of a superseded channel is executed after the first request of the
 * one that takes its place, which has not been read yet.
 */
void ServiceThread::tell_others()
{
	if (to_tell_.empty())
		return;
	for (size_t thread : to_tell_)
		common_.owner->superseded(thread);
	to_tell_.clear();
}

/* Returns how long to sleep when nothing arrives. */
int ServiceThread::pause_ms() const noexcept
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
bool ServiceThread::give_turn()
{
	Session *session = ready_.unpark(Wait::turn);
	if (!session)
		return false;
	SharedLock guard(common_.table->lock(), number_);
	go_on(session);
	finish_batch();
	return true;
}

/* Goes on with what waited for a sync that has ended. */
bool ServiceThread::resume_synced()
{
	if (!workspace_.syncs().take_ended())
		return false;
	if (workspace_.syncs().take_failed())
		common_.table->share_failures();
	SharedLock guard(common_.table->lock(), number_);
	while (Session *session = ready_.unpark(Wait::sync))
		go_on(session);
	finish_batch();
	return true;
}

/* Sends answers that their links could not take when they were due. */
void ServiceThread::retry_unsent()
{
	if (!ready_.any_parked(Wait::sends))
		return;
	SharedLock guard(common_.table->lock(), number_);
	while (ready_.unpark(Wait::sends))
		;
	finish_batch();
}

/* Drops peers that connect and say nothing, because they hold buffers. */
void ServiceThread::drop_ungreeted()
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
void ServiceThread::drop_stopped()
{
	std::chrono::milliseconds timeout(params().operation_timeout_ms);
	if (!timeout.count() || !queues_->any_amid_message())
		return;
	auto now = std::chrono::steady_clock::now();
	drop_if("it stopped in the middle of a message",
		[&](Session &one) { return one.stopped(now, timeout); });
}

bool ServiceThread::poll_queues(bool events)
{
	bool arrived = read_completions();
	if (events && read_events())
		arrived = true;
	return arrived;
}

bool ServiceThread::read_events()
{
	LinkEvent event;
	bool any = false;
	while (queues_->read_event(&event)) {
		any = true;
		switch (event.kind) {
		case LinkEvent::Kind::request:
			common_.owner->requested(std::move(event.request));
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

void ServiceThread::accept(Inbox::Request request)
{
	auto session = std::make_unique<Session>(common_.table, &workspace_,
						 common_.gate,
						 std::move(request.admission));
	uint32_t id = ++last_link_id_;
	int ret = session->open(request.request.get(), queues_.get(), id,
				common_.transport.traits().long_writes);
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
bool ServiceThread::read_completions()
{
	constexpr size_t kBatch = 32, kMost = size_t{2} * wire::kMaxCredits;
	constexpr size_t kMany = 8;
	Completion completions[kBatch];
	size_t count = queues_->read_completions(completions, kBatch);
	if (!count)
		return false;
	SharedLock guard(common_.table->lock(), number_);
	size_t all = 0;
	do {
		for (size_t i = 0; i < count; i++)
			dispatch(completions[i]);
		all += count;
		bool more = count >= kMany && all < kMost && to_tell_.empty();
		count = more ? queues_->read_completions(completions, kBatch)
			     : 0;
	} while (count);
	finish_batch();
	return true;
}

void ServiceThread::dispatch(const Completion &completion)
{
	const Handle &handle = completion.handle;
	auto it = sessions_.find(handle.link);
	if (it == sessions_.end())
		return; /* its channel is closed */
	if (completion.err == EBADMSG)
		PMEM_WARN(FI_LOG_EP_DATA,
			  "a record is not what the initiator has sealed: its "
			  "channel is closed");
	if (completion.err) {
		drop(handle.link, completion.err == FI_ENOTCONN
					  ? kClosed
					  : "an inner operation failed");
		return;
	}
	Session *session = it->second.get();
	if (session->admission()->superseded()) {
		drop(handle.link, kSuperseded);
		return;
	}
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
void ServiceThread::go_on(Session *session)
{
	if (session->admission()->superseded())
		drop(session->id(), kSuperseded);
	else if (session->go_on())
		run(session);
	else
		drop(session->id(), kOutOfTurn);
}

/* Its batch answers what it executes now. */
void ServiceThread::run(Session *session)
{
	bool new_channel = !session->greeting().done();
	if (!session->run(ready_.budget(*session))) {
		drop(session->id(), kOutOfTurn);
		return;
	}
	ready_.add(session);
	if (new_channel && session->greeting().done())
		greeted(session);
}

/*
 * Drops the connection that this one replaces. What the initiator still has
 * under way there has failed for it, and the application may write the same
 * bytes again. The first operation of the new connection comes after its first
 * Resolve, and so after this.
 */
void ServiceThread::greeted(Session *session)
{
	for (size_t thread : common_.channels->greeted(
		     session->admission(), session->greeting().channel())) {
		if (thread == number_)
			drop_superseded();
		else
			to_tell_.push_back(thread);
	}
}

void ServiceThread::drop_superseded()
{
	drop_if(kSuperseded, [](const Session &one) {
		return one.admission()->superseded();
	});
}

void ServiceThread::finish_batch()
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
void ServiceThread::drop_if(const char *why, Predicate leaves)
{
	std::vector<uint32_t> leaving;
	for (auto &[id, session] : sessions_) {
		if (leaves(*session))
			leaving.push_back(id);
	}
	for (uint32_t id : leaving)
		drop(id, why);
}

void ServiceThread::drop(uint32_t id, const char *why)
{
	auto it = sessions_.find(id);
	if (it == sessions_.end())
		return;
	if (it->second->greeting().unproven())
		common_.table->events().refused(DomainEvents::authentication);
	ready_.remove(it->second.get());
	sessions_.erase(it);
	PMEM_INFO(FI_LOG_EP_CTRL, "channel %u dropped: %s", id, why);
}

} // namespace ofi_pmem
