/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What other threads have for one thread of a service: channels that it is to
 * serve, tasks that they wait for, and notices. Others call the first part, the
 * thread itself the second.
 */
#pragma once

#include "core/lock.hh"
#include "service/channel_registry.hh"
#include "service/task_queue.hh"
#include "transport/transport.hh"

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace ofi_pmem
{

class Inbox
{
public:
	/* A channel that was requested and admitted. */
	struct Request {
		std::unique_ptr<ConnectRequest> request;
		std::unique_ptr<ChannelRegistry::Admission> admission;
	};

	void serve(Request request)
	{
		{
			MutexLock guard(mutex_);
			if (ended_)
				return; /* which refuses it */
			requests_.push_back(std::move(request));
		}
		wake();
	}
	/* See TaskQueue. */
	bool run(const std::function<void()> &body) { return tasks_.run(body); }
	void wake() noexcept { tasks_.wake(); }
	/* Some of its channels are superseded. */
	void note_superseded() noexcept { superseded_ = true; }
	void stop() noexcept
	{
		stopping_ = true;
		wake();
	}

	/* Returns 0 or a negative fi_errno. */
	[[nodiscard]] int open() noexcept { return tasks_.open(); }
	/* Readable while there may be something. */
	int fd() const noexcept { return tasks_.fd(); }
	/* Executes the tasks, and makes the descriptor unreadable. */
	void execute() { tasks_.execute(); }
	std::vector<Request> take_requests()
	{
		MutexLock guard(mutex_);
		return std::exchange(requests_, {});
	}
	bool take_superseded() noexcept { return superseded_.exchange(false); }
	bool stopping() const noexcept { return stopping_; }
	/* The thread ends: nothing is taken any more. */
	void end()
	{
		{
			MutexLock guard(mutex_);
			ended_ = true;
		}
		take_requests();
		tasks_.end();
	}

private:
	TaskQueue tasks_;
	Mutex mutex_{lock_rank::kInbox};
	std::vector<Request> requests_ PMEM_GUARDED_BY(mutex_);
	bool ended_ PMEM_GUARDED_BY(mutex_) = false;
	std::atomic<bool> superseded_{false};
	std::atomic<bool> stopping_{false};
};

} // namespace ofi_pmem
