/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The channels of a service, whichever of its threads serves them: how many
 * there are, from where, and which takes the place of which. Any thread may
 * call it.
 */
#pragma once

#include "core/address.hh"
#include "core/lock.hh"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

namespace ofi_pmem
{

class ChannelRegistry
{
public:
	/* The place of one channel, until it is destroyed. */
	class Admission
	{
	public:
		Admission(ChannelRegistry *registry, const IpAddress *peer);
		~Admission();
		Admission(const Admission &) = delete;
		Admission &operator=(const Admission &) = delete;

		/* The number of the thread that serves the channel. */
		size_t thread() const noexcept { return thread_; }

		/* Its initiator has connected again: it executes nothing more.
		 */
		bool superseded() const noexcept { return superseded_; }

	private:
		friend class ChannelRegistry;

		ChannelRegistry *registry_;
		IpAddress peer_; /* unknown except on sockets */
		size_t thread_ = 0;
		uint64_t number_ = 0; /* ascends in the order of connecting */
		uint64_t name_ = 0;
		bool greeted_ = false;
		std::atomic<bool> superseded_{false};
	};

	/* The service has so many threads. */
	explicit ChannelRegistry(size_t threads) : served_(threads) {}

	/*
	 * Admits a channel, to the thread that serves the fewest. The peer is
	 * null if its address is not known. Returns null, or the name of the
	 * parameter whose limit is reached.
	 */
	[[nodiscard]] const char *admit(const IpAddress *peer,
					std::unique_ptr<Admission> *admission);

	/*
	 * A channel has greeted; its initiator calls it `name`, unless that is
	 * 0. Earlier channels of that name are superseded, or this one if a
	 * later one has greeted before; returns the numbers of the threads that
	 * serve them.
	 */
	std::vector<size_t> greeted(Admission *admission, uint64_t name);

	/* The thread has ended: it gets no more channels. */
	void retire(size_t thread) noexcept;

	size_t size() const noexcept;

private:
	static constexpr size_t kRetired = SIZE_MAX;

	bool too_many_from(const IpAddress &peer) const PMEM_REQUIRES(mutex_);
	void enter(Admission *admission);
	void leave(Admission *admission) noexcept;

	mutable Mutex mutex_{lock_rank::kChannels};
	uint64_t last_ PMEM_GUARDED_BY(mutex_) = 0;
	std::unordered_set<Admission *> all_ PMEM_GUARDED_BY(mutex_);
	/* The number of channels of each thread. */
	std::vector<size_t> served_ PMEM_GUARDED_BY(mutex_);
};

} // namespace ofi_pmem
