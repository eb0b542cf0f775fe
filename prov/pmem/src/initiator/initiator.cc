/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/initiator.hh"

#include "core/descriptors.hh"
#include "core/epoll.hh"
#include "core/log.hh"
#include "core/thread.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

namespace
{

constexpr size_t kCompletions = 8192;

/*
 * Connection events cost a system call on tcp; while nobody connects, only
 * the loss of an idle channel can be among them, which may wait.
 */
constexpr uint32_t kRoundsPerEventRead = 64;

constexpr const char *kClosed = "the target closed the connection";

} // namespace

Initiator::Initiator(const Transport &transport, const AuthKey &key,
		     const KeyRing &keys)
	: transport_(transport), auth_key_(key), keys_(keys),
	  local_memory_(transport)
{
}

Initiator::~Initiator()
{
	if (thread_.joinable()) {
		stopping_ = true;
		uint64_t one = 1;
		static_cast<void>(!write(stop_fd_, &one, sizeof(one)));
		thread_.join();
	}
	if (stop_fd_ >= 0)
		::close(stop_fd_);
	if (epoll_fd_ >= 0)
		::close(epoll_fd_);
}

int Initiator::open(bool automatic)
{
	MutexLock guard(mutex_);
	int ret = transport_.open_queues(kCompletions, &queues_);
	if (!ret)
		ret = watchdog_.open();
	if (ret)
		return ret;
	epoll_fd_ = above_standard(epoll_create1(EPOLL_CLOEXEC));
	if (epoll_fd_ < 0)
		return -errno;
	ret = add_to(epoll_fd_, queues_->completion_fd(), EPOLLIN, 0);
	if (!ret)
		ret = add_to(epoll_fd_, queues_->event_fd(), EPOLLIN, 0);
	if (!ret)
		ret = add_to(epoll_fd_, watchdog_.fd(), EPOLLIN, 0);
	if (ret || !automatic)
		return ret;
	stop_fd_ = above_standard(eventfd(0, EFD_CLOEXEC));
	if (stop_fd_ < 0)
		return -errno;
	thread_ = thread_without_signals([this] { run(); });
	return 0;
}

/* The thread for FI_PROGRESS_AUTO runs this. */
void Initiator::run() noexcept
{
	pollfd fds[] = {{epoll_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
	while (!stopping_) {
		progress();
		if (!trywait())
			poll(fds, 2, -1);
	}
}

int Initiator::trywait() noexcept
{
	if (origin_.inherited())
		return 0;
	MutexLock guard(mutex_);
	for (LinkUser *user = ready_.first(); user; user = ready_.after(user)) {
		if (user->urgent())
			return -FI_EAGAIN;
	}
	if (watching_)
		watchdog_.arm();
	int ret = queues_->trywait();
	sleeps_ = !ret;
	return ret;
}

void Initiator::progress() noexcept
{
	if (origin_.inherited()) {
		static_cast<void>(Origin::refuse());
		return;
	}
	try {
		MutexLock guard(mutex_);
		progress_locked();
	} catch (const std::exception &error) {
		PMEM_WARN(FI_LOG_EP_DATA, "progress failed: %s", error.what());
	}
}

void Initiator::progress_locked()
{
	/* A closed link leaves cancelled operations in the queue, which would
	 * keep trywait() from ever letting anyone sleep. */
	if (links_.empty() && !stale_)
		return;
	sleeps_ = false;
	bool look = watchdog_.due();
	if (connecting_ || stale_ || look ||
	    ++rounds_ % kRoundsPerEventRead == 0)
		read_events();
	read_completions();
	stale_ = false;
	/* This comes behind what may have arrived while nobody called. */
	if (look)
		look_after_links();
	/* Each user that is ready now gets one turn. */
	for (size_t left = ready_.size(); left; left--) {
		LinkUser *user = ready_.take();
		if (!user)
			return;
		user->progress(ready_.budget(*user));
	}
}

void Initiator::look_after_links()
{
	watching_ = false;
	for (auto next = links_.begin(); next != links_.end();) {
		/* It may remove its link. */
		LinkUser *user = (next++)->second;
		if (user->still_waits(watchdog_.since()))
			watching_ = true;
	}
	if (!watching_)
		watchdog_.disarm();
}

void Initiator::disconnect_removed()
{
	MutexLock guard(mutex_);
	for (auto next = links_.begin(); next != links_.end();) {
		LinkUser *user = (next++)->second;
		if (user->key_removed())
			user->disconnect(FI_EKEYREJECTED,
					 "its region key is removed",
					 Cause::seal_key_rejected);
	}
}

void Initiator::read_events()
{
	LinkEvent event;
	while (queues_->read_event(&event)) {
		LinkUser *user = user_of(event.link);
		if (!user)
			continue;
		switch (event.kind) {
		case LinkEvent::Kind::connected:
			user->on_connected();
			break;
		case LinkEvent::Kind::closed:
			user->disconnect(FI_ECONNRESET, kClosed);
			break;
		case LinkEvent::Kind::failed:
			user->disconnect(event.err, "connecting failed");
			break;
		case LinkEvent::Kind::request:
			break; /* nobody listens on these queues */
		}
	}
}

void Initiator::read_completions()
{
	constexpr size_t kBatch = 32;
	Completion completions[kBatch];
	size_t count;
	do {
		count = queues_->read_completions(completions, kBatch);
		for (size_t i = 0; i < count; i++)
			dispatch(completions[i]);
		/* Another read costs system calls on tcp. Completions that a
		 * closed link leaves must not stay, and come one by one. */
	} while (count == kBatch || (stale_ && count));
}

void Initiator::dispatch(const Completion &completion)
{
	const Handle &handle = completion.handle;
	LinkUser *user = user_of(handle.link);
	if (!user)
		return; /* it belongs to a closed link */
	if (completion.err) {
		/* The state of everything behind it is unknown. */
		bool closed = completion.err == FI_ENOTCONN;
		bool reset = closed || completion.err == FI_ECANCELED;
		user->disconnect(reset ? FI_ECONNRESET : completion.err,
				 closed ? kClosed
					: "an inner operation failed");
		return;
	}
	switch (handle.kind) {
	case Handle::receive:
		user->on_receive(handle.slot, completion.len);
		break;
	case Handle::send:
		user->on_sent(handle.slot);
		break;
	case Handle::one_sided:
		user->on_one_sided(handle.slot);
		break;
	case Handle::rest:
		break; /* an answer has none */
	}
}

void Initiator::add_link(uint32_t id, LinkUser *user)
{
	mutex_.assert_held();
	links_[id] = user;
	connecting_++;
	watch();
}

void Initiator::remove_link(uint32_t id)
{
	mutex_.assert_held();
	links_.erase(id);
	stale_ = true;
}

DigestEngine *Initiator::digest_engine(DigestAlgorithm algorithm)
{
	mutex_.assert_held();
	std::unique_ptr<DigestEngine> &engine = digests_[algorithm];
	if (!engine)
		engine = open_digest(algorithm);
	return engine.get();
}

LinkUser *Initiator::user_of(uint32_t link_id) const noexcept
{
	auto found = links_.find(link_id);
	return found == links_.end() ? nullptr : found->second;
}

} // namespace ofi_pmem
