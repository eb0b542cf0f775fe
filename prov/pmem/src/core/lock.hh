/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The mutexes of the provider: their list, their order, and the types to use
 * them. Members that a mutex protects have PMEM_GUARDED_BY and functions that
 * need it PMEM_REQUIRES. Where a caller's lock is another's member, which clang
 * cannot know, a function begins with assert_held() instead.
 */
#pragma once

#include "core/lock_order.hh"
#include "core/thread_safety.hh"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace ofi_pmem
{

/*
 * Every mutex of the provider, in the order in which one thread may take them:
 * while it holds one, it takes only those of a higher level. None is held
 * across a call into the application.
 */
namespace lock_rank
{

/* A registration starts the service under it. */
inline constexpr LockRank kService{1, "Persistence::service_mutex_"};

/* The service's thread executes the tasks of other threads under it. */
inline constexpr LockRank kServiceTasks{2, "TaskQueue::lock_"};

/* These are held while an endpoint's plane is called. */
inline constexpr LockRank kAddressVector{3, "PeerDirectory::lock_"};
inline constexpr LockRank kDeferredList{3, "DeferredList::lock_"};
inline constexpr LockRank kStash{3, "CompletionQueue::stash_lock_"};
inline constexpr LockRank kMarkerGate{3, "MarkerGate::lock_"};

/* Our own operation on an inner queue completes under it. */
inline constexpr LockRank kExpected{4, "PlaneQueue::expected_lock_"};

/* All channels of a domain run under it. */
inline constexpr LockRank kInitiator{5, "Initiator::mutex_"};

/* The service executes under a stripe of it, on all regions of a domain. */
inline constexpr LockRank kRegionTable{6, "RegionTable::lock_"};

/* One atomic operation at a time. */
inline constexpr LockRank kAtomics{7, "RegionTable::atomics_"};

/* The locks of persist/ begin with that of the registry of captures. */
inline constexpr LockRank kCaptures{8, "CaptureRegistry::lock"};
inline constexpr LockRank kSharedFiles{9, "SharedFile::Registry::lock"};
inline constexpr LockRank kPageBackend{9, "PageBackend::mutex_"};
inline constexpr LockRank kDeviceSync{10, "DeviceSync::mutex_"};
inline constexpr LockRank kLineSimulation{10, "LineSimulation::lock_"};

/* A key that is added is compared with the one that is there. */
inline constexpr LockRank kKeyRing{10, "KeyRing::lock_"};

/* No other mutex is taken under these. */
inline constexpr LockRank kAddressList{11, "AddressList::lock_"};
inline constexpr LockRank kAnnouncements{11, "Announcements::mutex_"};
inline constexpr LockRank kCauses{11, "Causes::lock"};
inline constexpr LockRank kChannels{11, "ChannelRegistry::mutex_"};
inline constexpr LockRank kCompletionRing{11, "CompletionRing::lock_"};
inline constexpr LockRank kCounter{11, "PlaneCounter::sources_lock_"};
inline constexpr LockRank kCountingGate{11, "CountingGate::lock_"};
inline constexpr LockRank kDomainEvents{11, "DomainEvents::opening_"};
inline constexpr LockRank kFidMap{11, "FidMap::lock_"};
inline constexpr LockRank kGuesses{11, "GuessLimit::mutex_"};
inline constexpr LockRank kInbox{11, "Inbox::mutex_"};
inline constexpr LockRank kListeners{11, "Listeners::lock_"};
inline constexpr LockRank kRegionAccess{11, "TargetRegion::access_lock_"};
inline constexpr LockRank kSecret{11, "Secret::lock_"};
inline constexpr LockRank kSyncThreads{11, "SyncThreads::mutex_"};
inline constexpr LockRank kLocalMemory{11, "LocalMemory::mutex_"};

} // namespace lock_rank

/* A std::mutex that has a rank. `Order` is the base that checks it, or not. */
template <typename Order>
class PMEM_CAPABILITY("mutex") BasicMutex : private Order
{
public:
	explicit constexpr BasicMutex(const LockRank &rank) noexcept
		: Order(rank)
	{
	}
	BasicMutex(const BasicMutex &) = delete;
	BasicMutex &operator=(const BasicMutex &) = delete;

	void lock() PMEM_ACQUIRE()
	{
		Order::before_lock();
		mutex_.lock();
	}
	void unlock() PMEM_RELEASE()
	{
		mutex_.unlock();
		Order::after_unlock();
	}

	/* The caller holds it. Only sanitizer builds check this at run time. */
	void assert_held() const noexcept PMEM_ASSERT_HELD
	{
		Order::check_held();
	}

private:
	friend class Condition;
	std::mutex mutex_;
};

#ifdef PMEM_CHECK_LOCK_ORDER
using Mutex = BasicMutex<CheckedOrder>;
#else
using Mutex = BasicMutex<UncheckedOrder>;
#endif

/*
 * Many threads share it without waiting for each other, because each has a
 * stripe of its own; who excludes them takes all stripes.
 */
template <typename Order>
class PMEM_CAPABILITY("mutex") BasicStripedLock : private Order
{
public:
	BasicStripedLock(const LockRank &rank, size_t stripes)
		: Order(rank), stripes_(stripes)
	{
	}
	BasicStripedLock(const BasicStripedLock &) = delete;
	BasicStripedLock &operator=(const BasicStripedLock &) = delete;

	/* Threads may have the same stripe; numbers start again where there are
	 * no more stripes. */
	void lock_shared(size_t stripe) PMEM_ACQUIRE_SHARED()
	{
		Order::before_lock();
		mutex_of(stripe).lock();
	}
	void unlock_shared(size_t stripe) PMEM_RELEASE_SHARED()
	{
		mutex_of(stripe).unlock();
		Order::after_unlock();
	}

	void lock() PMEM_ACQUIRE()
	{
		Order::before_lock();
		for (Stripe &stripe : stripes_)
			stripe.mutex.lock();
	}
	void unlock() PMEM_RELEASE()
	{
		for (Stripe &stripe : stripes_)
			stripe.mutex.unlock();
		Order::after_unlock();
	}

	/* See BasicMutex::assert_held(). */
	void assert_shared() const noexcept PMEM_ASSERT_SHARED
	{
		Order::check_held();
	}

private:
	static constexpr size_t kCacheLine = 64;

	struct alignas(kCacheLine) Stripe {
		std::mutex mutex;
	};

	std::mutex &mutex_of(size_t stripe) noexcept
	{
		return stripes_[stripe % stripes_.size()].mutex;
	}

	std::vector<Stripe> stripes_;
};

#ifdef PMEM_CHECK_LOCK_ORDER
using StripedLock = BasicStripedLock<CheckedOrder>;
#else
using StripedLock = BasicStripedLock<UncheckedOrder>;
#endif

/* Holds a stripe for the life of this object. */
class PMEM_SCOPED_CAPABILITY SharedLock
{
public:
	SharedLock(StripedLock &lock, size_t stripe) PMEM_ACQUIRE_SHARED(lock)
		: lock_(lock), stripe_(stripe)
	{
		lock_.lock_shared(stripe_);
	}
	~SharedLock() PMEM_RELEASE() { lock_.unlock_shared(stripe_); }
	SharedLock(const SharedLock &) = delete;
	SharedLock &operator=(const SharedLock &) = delete;

private:
	StripedLock &lock_;
	const size_t stripe_;
};

/* Holds all stripes for the life of this object. */
class PMEM_SCOPED_CAPABILITY ExclusiveLock
{
public:
	explicit ExclusiveLock(StripedLock &lock) PMEM_ACQUIRE(lock)
		: lock_(lock)
	{
		lock_.lock();
	}
	~ExclusiveLock() PMEM_RELEASE() { lock_.unlock(); }
	ExclusiveLock(const ExclusiveLock &) = delete;
	ExclusiveLock &operator=(const ExclusiveLock &) = delete;

private:
	StripedLock &lock_;
};

/* Holds a mutex for the life of this object. */
class PMEM_SCOPED_CAPABILITY MutexLock
{
public:
	explicit MutexLock(Mutex &mutex) PMEM_ACQUIRE(mutex) : mutex_(mutex)
	{
		mutex_.lock();
	}
	~MutexLock() PMEM_RELEASE() { mutex_.unlock(); }
	MutexLock(const MutexLock &) = delete;
	MutexLock &operator=(const MutexLock &) = delete;

private:
	Mutex &mutex_;
};

/* A condition variable on members that one mutex guards. */
class Condition
{
public:
	/* Releases the mutex while it waits. Callers check the condition again.
	 */
	void wait(Mutex &mutex) PMEM_REQUIRES(mutex)
	{
		std::unique_lock<std::mutex> lock(mutex.mutex_,
						  std::adopt_lock);
		changed_.wait(lock);
		lock.release();
	}
	/* Returns false when the time has come. */
	template <typename Time>
	bool wait_until(Mutex &mutex, const Time &time) PMEM_REQUIRES(mutex)
	{
		std::unique_lock<std::mutex> lock(mutex.mutex_,
						  std::adopt_lock);
		auto status = changed_.wait_until(lock, time);
		lock.release();
		return status == std::cv_status::no_timeout;
	}
	void notify_all() noexcept { changed_.notify_all(); }

private:
	std::condition_variable changed_;
};

} // namespace ofi_pmem
