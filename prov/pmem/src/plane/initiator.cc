/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/initiator.hh"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rdma/fi_cm.h>

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

int watch(int epoll_fd, int fd) noexcept
{
	epoll_event event{};
	event.events = EPOLLIN;
	event.data.fd = fd;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

} // namespace

Initiator::Initiator(const HiddenDomain &domain) noexcept : domain_(domain)
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
	int ret = domain_.open_queues(kCompletions, &queues_);
	if (ret)
		return ret;
	epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd_ < 0)
		return -errno;
	ret = watch(epoll_fd_, queues_.cq_fd);
	if (!ret)
		ret = watch(epoll_fd_, queues_.eq_fd);
	if (ret || !automatic)
		return ret;
	stop_fd_ = eventfd(0, EFD_CLOEXEC);
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
	std::lock_guard guard(mutex_);
	for (const Channel *channel : attention_) {
		if (channel->urgent())
			return -FI_EAGAIN;
	}
	return domain_.trywait(queues_);
}

void Initiator::progress() noexcept
{
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
	if (connecting_ || stale_ || ++rounds_ % kRoundsPerEventRead == 0)
		read_events();
	read_completions();
	stale_ = false;
	if (attention_.empty())
		return;
	std::vector<Channel *> now;
	now.swap(attention_);
	for (Channel *channel : now)
		channel->attended = false;
	for (Channel *channel : now)
		channel->progress();
}

void Initiator::read_events()
{
	fi_eq_cm_entry entry;
	uint32_t event;
	while (true) {
		ssize_t ret = fi_eq_read(queues_.eq.get(), &event, &entry,
					 sizeof(entry), 0);
		if (ret == -FI_EAVAIL) {
			fi_eq_err_entry error{};
			if (fi_eq_readerr(queues_.eq.get(), &error, 0) < 0)
				return;
			if (Channel *channel = channel_of(error.fid))
				channel->disconnect(error.err,
						    "connecting failed");
			continue;
		}
		if (ret < 0)
			return;
		Channel *channel = channel_of(entry.fid);
		if (channel && event == FI_CONNECTED)
			channel->on_connected();
		else if (channel && event == FI_SHUTDOWN)
			channel->disconnect(FI_ECONNRESET,
					    "the target closed the connection");
	}
}

void Initiator::read_completions()
{
	constexpr size_t kBatch = 32;
	fi_cq_msg_entry entries[kBatch];
	ssize_t count;
	do {
		count = fi_cq_read(queues_.cq.get(), entries, kBatch);
		if (count == -FI_EAVAIL) {
			read_error();
			continue;
		}
		for (ssize_t i = 0; i < count; i++)
			dispatch(entries[i]);
	} while (count == static_cast<ssize_t>(kBatch) || count == -FI_EAVAIL);
}

void Initiator::dispatch(const fi_cq_msg_entry &entry)
{
	Handle handle = Handle::from_context(entry.op_context);
	Channel *channel = channel_of(handle.link);
	if (!channel)
		return; /* of a link that is closed */
	switch (handle.kind) {
	case Handle::receive:
		channel->on_receive(handle.slot, entry.len);
		break;
	case Handle::send:
		channel->on_sent(handle.slot);
		break;
	case Handle::one_sided:
		channel->on_one_sided(handle.slot, 0);
		break;
	}
}

void Initiator::read_error()
{
	fi_cq_err_entry error{};
	if (fi_cq_readerr(queues_.cq.get(), &error, 0) < 0)
		return;
	Handle handle = Handle::from_context(error.op_context);
	Channel *channel = channel_of(handle.link);
	if (!channel)
		return;
	/* A connected endpoint does not survive a failed operation: the state
	 * of everything behind it is unknown. */
	channel->disconnect(error.err == FI_ECANCELED ? FI_ECONNRESET
						      : error.err,
			    "an inner operation failed");
}

void Initiator::add_link(Channel *channel)
{
	links_[channel->link_id()] = channel;
	connecting_++;
}

void Initiator::remove_link(Channel *channel)
{
	links_.erase(channel->link_id());
	stale_ = true;
}

void Initiator::attend(Channel *channel)
{
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

Channel *Initiator::channel_of(const fid *endpoint) const noexcept
{
	for (const auto &[id, channel] : links_) {
		if (&channel->ep()->fid == endpoint)
			return channel;
	}
	return nullptr;
}

} // namespace ofi_pmem
