/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What happens on the sockets of one user: epoll(7) says which links and
 * listeners need attention. There are no queues of completions; what is read is
 * what has just happened.
 */
#pragma once

#include "core/owned_fd.hh"
#include "transport/out_queue.hh"
#include "transport/receive_pool.hh"
#include "transport/transport.hh"

#include <chrono>
#include <deque>
#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

class SocketLink;
class SocketListener;

class SocketQueues final : public Queues
{
public:
	[[nodiscard]] int open();

	size_t read_completions(Completion *completions, size_t count) override;
	bool read_event(LinkEvent *event) override;
	int trywait() noexcept override
	{
		return events_.empty() && soon_.empty() ? 0 : -FI_EAGAIN;
	}
	bool any_amid_message() const noexcept override { return amid_ != 0; }
	int completion_fd() const noexcept override { return links_fd_.get(); }
	int event_fd() const noexcept override { return events_fd_.get(); }

	ReceivePool &pool() noexcept { return pool_; }
	SpareBuffer *spare() noexcept { return &spare_; }

	/* A link is amid a message now, or is not any more. */
	void count_amid(bool amid) noexcept { amid_ += amid ? 1 : SIZE_MAX; }

	/* All that return an int return 0 or a negative fi_errno. */
	[[nodiscard]] int add(SocketLink *link);
	/*
	 * The link is attended to when its socket is ready for the epoll events
	 * `now`, and not any more for those `before`; 0: none.
	 */
	[[nodiscard]] int watch(const SocketLink &link, uint32_t before,
				uint32_t now) noexcept;
	/* Reports it when the link has connected, or has failed to. */
	[[nodiscard]] int watch_connecting(const SocketLink &link) noexcept;
	void remove(const SocketLink &link) noexcept;
	/* The link has received more than it has delivered. */
	void attend_soon(uint32_t id);
	void report(LinkEvent::Kind kind, const SocketLink &link, int err);

	[[nodiscard]] int add(SocketListener *listener);
	void remove(const SocketListener &listener) noexcept;

private:
	template <typename Attend>
	[[nodiscard]] size_t attend(uint32_t id, Attend &&attend);

	void finish_connecting(uint32_t id);

	OwnedFd links_fd_;
	OwnedFd events_fd_; /* listeners, and sockets that connect */
	ReceivePool pool_;
	SpareBuffer spare_;
	std::unordered_map<uint32_t, SocketLink *> links_;
	std::unordered_map<int, SocketListener *> listeners_;
	std::deque<LinkEvent> events_;
	std::vector<uint32_t> soon_;
	size_t amid_ = 0;   /* links that are amid a message */
	uint32_t last_ = 0; /* the link that received last */
	bool alone_ = true; /* no other was ready at the last look */
	uint32_t rounds_ = 0;
	std::chrono::steady_clock::time_point looked_{};
};

} // namespace ofi_pmem
