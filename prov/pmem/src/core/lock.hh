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
#include <mutex>

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

/* The service executes under it, on all regions of a domain. */
inline constexpr LockRank kRegionTable{6, "RegionTable::mutex_"};

/* The locks of persist/ begin with that of the registry of captures. */
inline constexpr LockRank kCaptures{7, "CaptureRegistry::lock"};
inline constexpr LockRank kSharedFiles{8, "SharedFile::Registry::lock"};
inline constexpr LockRank kDeviceSync{9, "DeviceSync::mutex_"};
inline constexpr LockRank kLineSimulation{9, "LineSimulation::lock_"};

/* No other mutex is taken under these. */
inline constexpr LockRank kAddressList{10, "AddressList::lock_"};
inline constexpr LockRank kAnnouncements{10, "Announcements::mutex_"};
inline constexpr LockRank kCauses{10, "Causes::lock"};
inline constexpr LockRank kCompletionRing{10, "CompletionRing::lock_"};
inline constexpr LockRank kCounter{10, "PlaneCounter::sources_lock_"};
inline constexpr LockRank kCountingGate{10, "CountingGate::lock_"};
inline constexpr LockRank kDomainEvents{10, "DomainEvents::opening_"};
inline constexpr LockRank kFidMap{10, "FidMap::lock_"};
inline constexpr LockRank kListeners{10, "Listeners::lock_"};
inline constexpr LockRank kSyncThreads{10, "SyncThreads::mutex_"};
inline constexpr LockRank kLocalMemory{10, "LocalMemory::mutex_"};

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
