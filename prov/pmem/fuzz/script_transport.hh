/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A transport whose connections are ScriptLinks, and queues that hold what the
 * fuzzer puts there. The maker of a link learns of it before anybody uses it.
 */
#pragma once

#include "script_link.hh"
#include "transport/transport.hh"

#include <sys/eventfd.h>

namespace ofi_pmem::fuzz
{

using OnLink = std::function<void(ScriptLink *link)>;

/* Queues that are never waited for, and their events. */
class ScriptEvents : public Queues
{
public:
	bool read_event(LinkEvent *event) override
	{
		if (events.empty())
			return false;
		*event = std::move(events.front());
		events.pop_front();
		return true;
	}
	int completion_fd() const noexcept override
	{
		static const int fd = eventfd(0, EFD_CLOEXEC);
		return fd;
	}
	int event_fd() const noexcept override
	{
		static const int fd = eventfd(0, EFD_CLOEXEC);
		return fd;
	}

	std::deque<LinkEvent> events;
};

class ScriptQueues final : public ScriptEvents
{
public:
	size_t read_completions(Completion *into,
				size_t count) noexcept override
	{
		size_t got = std::min(count, completions.size());
		std::copy_n(completions.begin(), got, into);
		for (size_t i = 0; i < got; i++)
			successes += may_tell_success(into[i]);
		completions.erase(completions.begin(),
				  completions.begin() +
					  static_cast<ptrdiff_t>(got));
		return got;
	}
	int trywait() noexcept override { return 0; }

	std::deque<Completion> completions;
	/* Counts answers and finished chains among what was read. */
	size_t successes = 0;

private:
	/* A failure also says that what was asked before it succeeded. */
	static bool may_tell_success(const Completion &completion) noexcept
	{
		return !completion.err &&
		       completion.handle.kind != Handle::send;
	}
};

class ScriptTransport final : public Transport
{
public:
	/*
	 * The traits range from raw queue pairs with everything to tcp's
	 * endpoints.
	 */
	explicit ScriptTransport(uint8_t choice)
	{
		traits_.max_transfer = choice & 1 ? 1000 : 1ULL << 31;
		traits_.max_buffers = choice & 2 ? 1 : 8;
		traits_.max_chain = choice & 4 ? 8 : 32;
		traits_.inline_bytes = choice & 8 ? 0 : 64;
		traits_.needs_local_memory = choice & 16;
		traits_.placement_wait = true;
		traits_.reliable_ack = choice & 32;
		traits_.native_flush = choice & 32;
		traits_.atomic_write = choice & 32;
		traits_.one_sided = !(choice & 64);
	}

	int open_queues(size_t, std::unique_ptr<Queues> *made) const override
	{
		auto created = std::make_unique<ScriptQueues>();
		queues = created.get();
		*made = std::move(created);
		return 0;
	}
	int connect(const IpAddress &, Queues *, const LinkAttr &attr,
		    std::unique_ptr<Link> *made) const override
	{
		if (unreachable)
			return -FI_ENETUNREACH;
		auto link = std::make_unique<ScriptLink>(attr);
		int ret = link->open(*this);
		if (ret)
			return ret;
		on_connect(link.get());
		*made = std::move(link);
		return 0;
	}
	int listen(const IpAddress &, Queues *,
		   std::unique_ptr<Listener> *) const override
	{
		return -FI_ENOSYS;
	}
	int register_memory(const void *, size_t, uint64_t, bool,
			    std::unique_ptr<LinkMemory> *memory) const override
	{
		*memory = std::make_unique<LinkMemory>();
		return 0;
	}

	mutable ScriptQueues *queues = nullptr;
	OnLink on_connect;
	bool unreachable = false;
};

/* A connection request at a target. */
class ScriptRequest final : public ConnectRequest
{
public:
	explicit ScriptRequest(OnLink on_accept)
		: on_accept_(std::move(on_accept))
	{
	}

	int accept(Queues *, const LinkAttr &attr,
		   std::unique_ptr<Link> *link) override
	{
		auto made = std::make_unique<ScriptLink>(attr);
		int ret = made->open(ScriptTransport(0));
		on_accept_(made.get());
		*link = std::move(made);
		return ret;
	}

private:
	OnLink on_accept_;
};

} // namespace ofi_pmem::fuzz
