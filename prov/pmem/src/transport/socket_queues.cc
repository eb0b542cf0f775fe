/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/socket_queues.hh"

#include "core/epoll.hh"
#include "transport/socket_link.hh"
#include "transport/socket_listener.hh"

#include <algorithm>
#include <cerrno>

namespace ofi_pmem
{

namespace
{

/*
 * If only one link was ready, it is read without asking: mostly it is the one
 * that goes on. All are asked for after so many rounds or so much time, so that
 * rounds that take long, because they sync a file, do not keep others waiting.
 */
constexpr uint32_t kRoundsPerLook = 8;
constexpr auto kTimePerLook = std::chrono::microseconds(100);

/* Marks an epoll event's data: the id of a link, not a listener's descriptor.
 */
constexpr uint64_t kConnecting = 1ULL << 32;

} // namespace

int SocketQueues::open()
{
	links_fd_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
	if (links_fd_)
		events_fd_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
	return events_fd_ ? 0 : -errno;
}

size_t SocketQueues::read_completions(Completion *completions, size_t count)
{
	constexpr size_t kBatch = 32;
	size_t got = 0;
	auto try_one = [&](SocketLink *link) {
		return link->try_receive(&completions[got]);
	};
	while (!soon_.empty() && got < count) {
		uint32_t id = soon_.back();
		soon_.pop_back();
		got += attend(id, try_one);
	}
	auto now = std::chrono::steady_clock::now();
	bool looked_lately = now - looked_ < kTimePerLook;
	if (!got && alone_ && looked_lately && ++rounds_ % kRoundsPerLook)
		got = attend(last_, try_one);
	if (got == count || (got && looked_lately))
		return got;
	looked_ = now;
	epoll_event ready[kBatch];
	int found =
		epoll_wait(links_fd_.get(), ready,
			   static_cast<int>(std::min(count - got, kBatch)), 0);
	if (found > 0)
		alone_ = found == 1;
	for (int i = 0; i < found; i++)
		got += attend(ready[i].data.u32, [&](SocketLink *link) {
			return link->attend(ready[i].events, &completions[got]);
		});
	return got;
}

/* Returns the number of completions, which is 0 or 1. */
template <typename Attend>
size_t SocketQueues::attend(uint32_t id, Attend &&attend)
{
	auto found = links_.find(id);
	if (found == links_.end() || !attend(found->second))
		return 0;
	last_ = id;
	return 1;
}

void SocketQueues::attend_soon(uint32_t id)
{
	soon_.push_back(id);
}

bool SocketQueues::read_event(LinkEvent *event)
{
	epoll_event ready;
	while (events_.empty() &&
	       epoll_wait(events_fd_.get(), &ready, 1, 0) == 1) {
		if (ready.data.u64 & kConnecting) {
			finish_connecting(ready.data.u32);
			continue;
		}
		auto found = listeners_.find(ready.data.fd);
		if (found == listeners_.end())
			return false;
		event->kind = LinkEvent::Kind::request;
		int ret = found->second->accept(&event->request);
		if (!ret)
			return true;
		if (ret != -ECONNABORTED)
			return false; /* or it has given up */
	}
	if (events_.empty())
		return false;
	*event = std::move(events_.front());
	events_.pop_front();
	return true;
}

void SocketQueues::finish_connecting(uint32_t id)
{
	auto found = links_.find(id);
	if (found == links_.end())
		return;
	SocketLink *link = found->second;
	epoll_ctl(events_fd_.get(), EPOLL_CTL_DEL, link->fd(), nullptr);
	int err = link->finish_connecting();
	report(err ? LinkEvent::Kind::failed : LinkEvent::Kind::connected,
	       *link, err);
}

int SocketQueues::add(SocketLink *link)
{
	if (!links_.emplace(link->id(), link).second)
		return -EEXIST;
	return 0;
}

int SocketQueues::watch(const SocketLink &link, uint32_t before,
			uint32_t now) noexcept
{
	if (before == now)
		return 0;
	if (!before)
		return add_to(links_fd_.get(), link.fd(), now, link.id());
	epoll_event event{};
	event.events = now;
	event.data.u64 = link.id();
	int op = now ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
	return epoll_ctl(links_fd_.get(), op, link.fd(), &event) ? -errno : 0;
}

int SocketQueues::watch_connecting(const SocketLink &link) noexcept
{
	return add_to(events_fd_.get(), link.fd(), EPOLLOUT,
		      kConnecting | link.id());
}

void SocketQueues::remove(const SocketLink &link) noexcept
{
	/* It is there only while it connects. */
	epoll_ctl(events_fd_.get(), EPOLL_CTL_DEL, link.fd(), nullptr);
	links_.erase(link.id());
}

void SocketQueues::report(LinkEvent::Kind kind, const SocketLink &link, int err)
{
	LinkEvent event;
	event.kind = kind;
	event.link = link.id();
	event.err = err;
	events_.push_back(std::move(event));
}

int SocketQueues::add(SocketListener *listener)
{
	int fd = listener->fd();
	listeners_.emplace(fd, listener);
	return add_to(events_fd_.get(), fd, EPOLLIN, static_cast<uint32_t>(fd));
}

void SocketQueues::remove(const SocketListener &listener) noexcept
{
	listeners_.erase(listener.fd());
}

} // namespace ofi_pmem
