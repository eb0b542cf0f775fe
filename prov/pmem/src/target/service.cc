/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "target/service.hh"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/descriptors.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "core/thread.hh"

namespace ofi_pmem
{

namespace
{

constexpr size_t kCompletions = 8192;

/* See initiator.cc: connection events are read less often while busy. */
constexpr uint32_t kRoundsPerEventRead = 64;
/* But not less often than this, where a round syncs a file. */
constexpr auto kEventReadInterval = std::chrono::milliseconds(2);

/* How often unfinished business is looked at, milliseconds. */
constexpr int kRetryMs = 1;
constexpr int kGreetingCheckMs = 1000;

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
	  listeners_(transport)
{
}

Service::~Service()
{
	if (thread_.joinable()) {
		stopping_ = true;
		wake();
		thread_.join();
	}
	sessions_.clear();
	listeners_.close();
	if (wake_fd_ >= 0)
		::close(wake_fd_);
}

int Service::open(std::vector<IpAddress> addresses, const Locality &near)
{
	int ret = transport_.open_queues(kCompletions, &queues_);
	if (ret)
		return ret;
	if (addresses.empty())
		addresses.push_back(transport_.own_address());
	ret = listeners_.open(std::move(addresses), queues_.get());
	if (ret == -FI_ENODEV) /* they are all of other NICs */
		ret = listeners_.open({transport_.own_address()},
				      queues_.get());
	if (ret) {
		warn_cannot_listen(ret);
		return ret;
	}
	port_ = listeners_.port();
	wake_fd_ = above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (wake_fd_ < 0)
		return -errno;
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
	std::lock_guard guard(tasks_lock_);
	stopped_ = true;
	tasks_done_.notify_all();
}

void Service::wake() noexcept
{
	uint64_t one = 1;
	static_cast<void>(!write(wake_fd_, &one, sizeof(one)));
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
	if (origin_.inherited())
		return false;
	Task task{body};
	std::unique_lock lock(tasks_lock_);
	tasks_.push_back(&task);
	wake();
	tasks_done_.wait(lock, [&] { return stopped_ || task.done; });
	return task.done;
}

void Service::do_tasks()
{
	uint64_t count;
	static_cast<void>(!read(wake_fd_, &count, sizeof(count)));
	std::lock_guard guard(tasks_lock_);
	for (Task *task : tasks_) {
		task->body();
		task->done = true;
	}
	tasks_.clear();
	tasks_done_.notify_all();
}

/* Polls for a while after the last arrival, then sleeps. */
void Service::loop()
{
	using Clock = std::chrono::steady_clock;
	const auto spin = std::chrono::microseconds(params().spin_us);
	pollfd fds[] = {{queues_->completion_fd(), POLLIN, 0},
			{queues_->event_fd(), POLLIN, 0},
			{wake_fd_, POLLIN, 0}};
	auto last_arrival = Clock::now();
	auto last_event_read = last_arrival;
	uint32_t rounds = 0;
	uint32_t wakeups = 0;
	bool events = true;
	while (!stopping_) {
		bool arrived = poll_queues(events);
		if (work())
			arrived = true;
		auto now = Clock::now();
		events = ++rounds % kRoundsPerEventRead == 0 ||
			 now - last_event_read >= kEventReadInterval;
		if (events) {
			last_event_read = now;
			do_tasks(); /* also when it is never idle */
		}
		if (arrived) {
			last_arrival = now;
			continue;
		}
		if (now - last_arrival < spin)
			continue;
		/* do_tasks() may have taken the wake-up of the destructor. */
		bool accepts = Clock::now() >= accepts_at_;
		fds[1].fd = accepts ? queues_->event_fd() : -1;
		if (!stopping_ && !queues_->trywait())
			poll(fds, 3, pause_ms());
		if (accepts &&
		    (out_of_descriptors_ || ++wakeups % kWakeupsPerLook == 0))
			look_for_descriptors();
		retry_unsent();
		drop_ungreeted();
		do_tasks();
		events = true;
	}
}

/* How long to sleep when nothing arrives. */
int Service::pause_ms() const noexcept
{
	if (!unsent_.empty())
		return kRetryMs;
	if (out_of_descriptors_)
		return kExhaustedMs;
	return ungreeted_.empty() ? -1 : kGreetingCheckMs;
}

/* Without any, connection events are not waited for until later. */
void Service::look_for_descriptors() noexcept
{
	out_of_descriptors_ = !descriptors_left(wake_fd_);
	if (!out_of_descriptors_)
		return;
	if (!warned_exhausted_)
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "no descriptors are left (%s): no new channel can be "
			  "accepted until there are",
			  fi_strerror(errno));
	warned_exhausted_ = true;
	accepts_at_ = std::chrono::steady_clock::now() +
		      std::chrono::milliseconds(kExhaustedMs);
}

/*
 * One slice of one session's long work; what has arrived meanwhile comes before
 * the next. False when there is none.
 */
bool Service::work()
{
	if (working_.empty())
		return false;
	uint32_t id = working_.front();
	working_.pop_front();
	auto it = sessions_.find(id);
	if (it == sessions_.end())
		return true;
	std::lock_guard guard(table_->lock());
	Session *session = it->second.get();
	session->listed = false;
	if (session->work())
		touch(id, session);
	else
		drop(id, "malformed or out of turn request");
	finish_batch();
	return true;
}

/* Answers that the inner provider could not take when they were due. */
void Service::retry_unsent()
{
	if (unsent_.empty())
		return;
	std::lock_guard guard(table_->lock());
	touched_.insert(touched_.end(), unsent_.begin(), unsent_.end());
	unsent_.clear();
	finish_batch();
}

/* A peer that connects and says nothing holds buffers for nothing. */
void Service::drop_ungreeted()
{
	auto latest = std::chrono::steady_clock::now() -
		      std::chrono::milliseconds(params().connect_timeout_ms);
	std::vector<uint32_t> waiting;
	waiting.swap(ungreeted_);
	for (uint32_t id : waiting) {
		auto it = sessions_.find(id);
		if (it == sessions_.end() || it->second->greeted())
			continue;
		if (it->second->opened < latest)
			drop(id, "no greeting in time");
		else
			ungreeted_.push_back(id);
	}
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
			break; /* its first message tells as much */
		case LinkEvent::Kind::closed:
			drop(event.link, "closed by the initiator");
			break;
		case LinkEvent::Kind::failed:
			drop(event.link, "connection error");
			break;
		}
	}
	return any;
}

void Service::accept(std::unique_ptr<ConnectRequest> request)
{
	if (sessions_.size() >= params().max_channels) {
		PMEM_WARN(FI_LOG_EP_CTRL,
			  "channel refused, there are %zu (max_channels)",
			  sessions_.size());
		table_->events().refused(DomainEvents::channels);
		return;
	}
	auto session = std::make_unique<Session>(table_, auth_key_);
	uint32_t id = ++last_link_id_;
	int ret = session->open(request.get(), queues_.get(), id);
	if (ret) {
		PMEM_WARN(FI_LOG_EP_CTRL, "cannot accept a channel: %s (%d)",
			  fi_strerror(-ret), -ret);
		return;
	}
	sessions_.emplace(id, std::move(session));
	ungreeted_.push_back(id);
}

/*
 * Where all receives of a link may have been used there may be more to read. A
 * larger batch has fewer drains, but its first commit waits for its last.
 */
bool Service::read_completions()
{
	constexpr size_t kBatch = 32, kMost = size_t{2} * wire::kMaxCredits;
	Completion completions[kBatch];
	size_t count = queues_->read_completions(completions, kBatch);
	if (!count)
		return false;
	std::lock_guard guard(table_->lock());
	size_t all = 0;
	do {
		for (size_t i = 0; i < count; i++)
			dispatch(completions[i]);
		all += count;
		bool more = count >= kFewReceives && all < kMost;
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
		return; /* of a channel that is closed */
	if (completion.err) {
		drop(handle.link, "an inner operation failed");
		return;
	}
	Session *session = it->second.get();
	bool good = true;
	bool new_channel = !session->greeted();
	if (handle.kind == Handle::receive)
		good = session->on_receive(handle.slot, completion.len);
	else if (handle.kind == Handle::send)
		good = session->on_sent(handle.slot);
	if (good)
		touch(handle.link, session);
	else
		drop(handle.link, "malformed or out of turn request");
	if (good && new_channel && session->greeted())
		drop_earlier(*session);
}

/*
 * The connection that this one takes the place of. What the initiator has still
 * under way there has failed for it; the application may write the same bytes
 * again. The new one's first operation comes after its first Resolve, and so
 * after this.
 */
void Service::drop_earlier(const Session &session)
{
	if (!session.channel())
		return;
	drop_if("its initiator has connected anew", [&](const Session &one) {
		return &one != &session && one.channel() == session.channel();
	});
}

void Service::touch(uint32_t id, Session *session)
{
	if (session->touched)
		return;
	session->touched = true;
	touched_.push_back(id);
}

void Service::finish_batch()
{
	for (uint32_t id : touched_) {
		auto it = sessions_.find(id);
		if (it == sessions_.end())
			continue;
		Session *session = it->second.get();
		session->touched = false;
		if (!session->finish_batch()) {
			drop(id, "answers cannot be sent");
			continue;
		}
		if (session->working())
			list_working(id, session);
		else if (session->unsent())
			unsent_.push_back(id);
	}
	touched_.clear();
}

void Service::list_working(uint32_t id, Session *session)
{
	if (session->listed)
		return;
	session->listed = true;
	working_.push_back(id);
}

template <typename Predicate>
void Service::drop_if(const char *why, Predicate leaves)
{
	std::vector<uint32_t> leaving;
	for (const auto &[id, session] : sessions_) {
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
	if (it->second->unproven())
		table_->events().refused(DomainEvents::authentication);
	sessions_.erase(it);
	PMEM_INFO(FI_LOG_EP_CTRL, "channel %u dropped: %s", id, why);
}

} // namespace ofi_pmem
