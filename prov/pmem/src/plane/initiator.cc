/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/initiator.hh"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/descriptors.hh"
#include "core/log.hh"
#include "core/thread.hh"
#include "plane/channel.hh"

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

int add_to(int epoll_fd, int fd) noexcept
{
	epoll_event event{};
	event.events = EPOLLIN;
	event.data.fd = fd;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

} // namespace

Initiator::Initiator(const Transport &transport, const AuthKey &key)
	: transport_(transport), auth_key_(key), local_memory_(transport)
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
	int ret = transport_.open_queues(kCompletions, &queues_);
	if (!ret)
		ret = watchdog_.open();
	if (ret)
		return ret;
	epoll_fd_ = above_standard(epoll_create1(EPOLL_CLOEXEC));
	if (epoll_fd_ < 0)
		return -errno;
	ret = add_to(epoll_fd_, queues_->completion_fd());
	if (!ret)
		ret = add_to(epoll_fd_, queues_->event_fd());
	if (!ret)
		ret = add_to(epoll_fd_, watchdog_.fd());
	if (ret || !automatic)
		return ret;
	stop_fd_ = above_standard(eventfd(0, EFD_CLOEXEC));
	if (stop_fd_ < 0)
		return -errno;
	thread_ = thread_without_signals([this] { run(); });
	return 0;
}

/* The thread for FI_PROGRESS_AUTO. */
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
	std::lock_guard guard(mutex_);
	for (const Channel *channel : attention_) {
		if (channel->urgent())
			return -FI_EAGAIN;
	}
	if (watching_)
		watchdog_.arm();
	return queues_->trywait();
}

void Initiator::progress() noexcept
{
	if (origin_.inherited()) {
		static_cast<void>(Origin::refuse());
		return;
	}
	try {
		std::lock_guard guard(mutex_);
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
	bool look = watchdog_.due();
	if (connecting_ || stale_ || look ||
	    ++rounds_ % kRoundsPerEventRead == 0)
		read_events();
	read_completions();
	stale_ = false;
	/* Behind what may have arrived while nobody called. */
	if (look)
		look_after_channels();
	if (attention_.empty())
		return;
	std::vector<Channel *> now;
	now.swap(attention_);
	for (Channel *channel : now)
		channel->attended = false;
	for (Channel *channel : now)
		channel->progress();
}

void Initiator::look_after_channels()
{
	std::vector<Channel *> channels;
	for (const auto &[id, channel] : links_)
		channels.push_back(channel);
	watching_ = false;
	for (Channel *channel : channels) {
		if (channel->still_waits(watchdog_.since()))
			watching_ = true;
	}
	if (!watching_)
		watchdog_.disarm();
}

void Initiator::read_events()
{
	LinkEvent event;
	while (queues_->read_event(&event)) {
		Channel *channel = channel_of(event.link);
		if (!channel)
			continue;
		switch (event.kind) {
		case LinkEvent::Kind::connected:
			channel->on_connected();
			break;
		case LinkEvent::Kind::closed:
			channel->disconnect(FI_ECONNRESET,
					    "the target closed the connection");
			break;
		case LinkEvent::Kind::failed:
			channel->disconnect(event.err, "connecting failed");
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
		/* Another read costs system calls on tcp. What a closed link
		 * leaves must not stay, and comes one by one. */
	} while (count == kBatch || (stale_ && count));
}

void Initiator::dispatch(const Completion &completion)
{
	const Handle &handle = completion.handle;
	Channel *channel = channel_of(handle.link);
	if (!channel)
		return; /* of a link that is closed */
	if (completion.err) {
		/* The state of everything behind it is unknown. */
		channel->disconnect(completion.err == FI_ECANCELED
					    ? FI_ECONNRESET
					    : completion.err,
				    "an inner operation failed");
		return;
	}
	switch (handle.kind) {
	case Handle::receive:
		channel->on_receive(handle.slot, completion.len);
		break;
	case Handle::send:
		channel->on_sent(handle.slot);
		break;
	case Handle::one_sided:
		channel->on_one_sided(handle.slot);
		break;
	}
}

void Initiator::add_link(Channel *channel)
{
	links_[channel->link_id()] = channel;
	connecting_++;
	watch();
}

void Initiator::remove_link(Channel *channel)
{
	links_.erase(channel->link_id());
	stale_ = true;
}

DigestEngine *Initiator::digest_engine(DigestAlgorithm algorithm)
{
	std::unique_ptr<DigestEngine> &engine = digests_[algorithm];
	if (!engine)
		engine = open_digest(algorithm);
	return engine.get();
}

void Initiator::attend(Channel *channel)
{
	watch();
	if (channel->attended)
		return;
	channel->attended = true;
	attention_.push_back(channel);
}

void Initiator::forget(Channel *channel)
{
	auto it = std::find(attention_.begin(), attention_.end(), channel);
	if (it != attention_.end())
		attention_.erase(it);
}

Channel *Initiator::channel_of(uint32_t link_id) const noexcept
{
	auto it = links_.find(link_id);
	return it == links_.end() ? nullptr : it->second;
}

} // namespace ofi_pmem
