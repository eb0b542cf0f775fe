/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The initiating half of one domain's persistence plane: the inner queues that
 * all channels of the domain share, and the lock under which channels run. It
 * is driven by the application's polling and, if automatic progress was
 * requested, by a thread.
 */
#pragma once

#include "core/auth_key.hh"
#include "core/fork.hh"
#include "core/lock.hh"
#include "core/progress.hh"
#include "core/ready_queue.hh"
#include "digest/digest.hh"
#include "initiator/link_user.hh"
#include "initiator/local_memory.hh"
#include "initiator/watchdog.hh"
#include "seal/key_ring.hh"
#include "transport/transport.hh"

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

/*
 * It has many members, as all that the channels of a domain share is under its
 * one lock.
 */
class Initiator final : public ProgressSource
{
public:
	/* If there is a key, channels prove that they have it. The ring
	 * outlives the initiator. */
	explicit Initiator(const Transport &transport, const AuthKey &key = {},
			   const KeyRing &keys = KeyRing::none());
	~Initiator() override;

	/* If `automatic` is true, a thread drives the channels. */
	[[nodiscard]] int open(bool automatic);

	void progress() noexcept override;
	int wait_fd() const noexcept override { return epoll_fd_; }
	int trywait() noexcept override;

	/* Callers of a channel hold this lock; a channel table takes it. */
	Mutex &lock() noexcept PMEM_RETURNS_LOCK(mutex_) { return mutex_; }

	/* It has a lock of its own. */
	LocalMemory &local_memory() noexcept { return local_memory_; }

	/* Sets who posts next, and how much, before the first link is added. */
	void set_policy(std::unique_ptr<TurnPolicy<LinkUser>> policy) noexcept
	{
		MutexLock guard(mutex_);
		ready_.set_policy(std::move(policy));
	}

	/* Does progress() for a caller that holds the lock. */
	void progress_locked() PMEM_REQUIRES(mutex_);

	/* These do not change after open(). */
	const Transport &transport() const noexcept { return transport_; }
	const AuthKey &auth_key() const noexcept { return auth_key_; }
	const KeyRing &keys() const noexcept { return keys_; }
	Queues *queues() const noexcept { return queues_.get(); }
	/* A thread of its own makes progress. */
	bool automatic() const noexcept { return stop_fd_ >= 0; }

	/* The owners of links call these under the lock. */
	uint32_t new_link_id() noexcept
	{
		mutex_.assert_held();
		return ++last_link_id_;
	}
	/* A link connects from add_link() until connected(), which is also
	 * called when its attempt is given up. */
	void add_link(uint32_t id, LinkUser *user);
	void connected() noexcept
	{
		mutex_.assert_held();
		connecting_--;
	}
	void remove_link(uint32_t id);
	/* The user gets a turn soon. */
	void attend(LinkUser *user) noexcept
	{
		mutex_.assert_held();
		watch();
		ready_.add(user);
	}
	/* Returns how many operations it may post now. */
	size_t budget(const LinkUser &user) const noexcept
	{
		mutex_.assert_held();
		return ready_.budget(user);
	}
	/* Somebody waits for something, so timeouts must be checked. */
	void watch() noexcept
	{
		mutex_.assert_held();
		watching_ = true;
		if (sleeps_)
			watchdog_.arm();
	}
	void forget(LinkUser *user) noexcept
	{
		mutex_.assert_held();
		ready_.remove(user);
	}
	uint64_t new_operation_id() noexcept
	{
		mutex_.assert_held();
		return ++last_operation_id_;
	}
	/* Closes the channels that are sealed with a key that was removed. */
	void disconnect_removed();

	/* Returns null where open_digest() does. */
	DigestEngine *digest_engine(DigestAlgorithm algorithm);

private:
	void run() noexcept;
	void look_after_links() PMEM_REQUIRES(mutex_);
	void read_events() PMEM_REQUIRES(mutex_);
	void read_completions() PMEM_REQUIRES(mutex_);
	void dispatch(const Completion &completion) PMEM_REQUIRES(mutex_);
	LinkUser *user_of(uint32_t link_id) const noexcept
		PMEM_REQUIRES(mutex_);

	const Origin origin_;
	const Transport &transport_;
	const AuthKey auth_key_;
	const KeyRing &keys_;
	LocalMemory local_memory_;
	std::unique_ptr<Queues> queues_;
	int epoll_fd_ = -1;
	int stop_fd_ = -1;
	std::atomic<bool> stopping_{false};
	std::thread thread_;

	Mutex mutex_{lock_rank::kInitiator};
	std::unordered_map<uint32_t, LinkUser *> links_ PMEM_GUARDED_BY(mutex_);
	ReadyQueue<LinkUser> ready_ PMEM_GUARDED_BY(mutex_);
	uint32_t last_link_id_ PMEM_GUARDED_BY(mutex_) = 0;
	uint64_t last_operation_id_ PMEM_GUARDED_BY(mutex_) = 0;
	std::map<DigestAlgorithm, std::unique_ptr<DigestEngine>>
		digests_ PMEM_GUARDED_BY(mutex_);
	uint32_t connecting_ PMEM_GUARDED_BY(mutex_) = 0;
	/* A link was closed since the queues ran dry. */
	bool stale_ PMEM_GUARDED_BY(mutex_) = false;
	uint32_t rounds_ PMEM_GUARDED_BY(mutex_) = 0;
	Watchdog watchdog_ PMEM_GUARDED_BY(mutex_);
	/* Some link waits, or has waited a moment ago. */
	bool watching_ PMEM_GUARDED_BY(mutex_) = false;
	/* Since nobody had anything to do, somebody may sleep. */
	bool sleeps_ PMEM_GUARDED_BY(mutex_) = false;
};

} // namespace ofi_pmem
