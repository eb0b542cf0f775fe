/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistent regions of one domain: maps a key's token to memory and
 * backend. Each thread of the service executes under its stripe of the table's
 * lock, and who adds or removes a region takes them all, so that a region can
 * be closed at any time and is not in use afterwards.
 */
#pragma once

#include "core/errors.hh"
#include "core/lock.hh"
#include "persist/backend.hh"
#include "persist/device_sync.hh"
#include "persist/flush_ledger.hh"
#include "seal/region_key.hh"
#include "service/announcements.hh"
#include "service/domain_events.hh"
#include "service/guess_limit.hh"
#include "transport/transport.hh"

#include <sys/uio.h>

#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

namespace ofi_pmem
{

/* A sealed region accepts at most so many keys at a time. */
inline constexpr size_t kMaxRegionKeys = 8;

/*
 * One persistent region. Its fields are fixed when it is added, except
 * `link_memory` and `key_ids`. Several threads may execute on it.
 */
struct TargetRegion {
	uint8_t *memory = nullptr;
	size_t len = 0;
	uint64_t base = 0;  /* the address that initiators use for `memory` */
	uint8_t access = 0; /* wire::Access */
	uint64_t notify_base = 0;
	uint64_t notify_key = 0;
	std::unique_ptr<Backend> backend;
	/*
	 * Channels use it for one-sided access; it is null if the backend
	 * forbids that or the region is poisoned. It is closed before the
	 * backend, which may exchange the memory's pages. While the region is
	 * in the table, it belongs to access_lock().
	 */
	std::unique_ptr<LinkMemory> link_memory;
	/* It is reached on sealed channels only, under one of these keys. They
	 * change while nobody executes. */
	bool sealed = false;
	std::vector<uint64_t> key_ids;
	bool poison_told = false;
	DomainEvents *events = nullptr; /* the table's; gets the event */

	/*
	 * The first failed flush or drain sets it: what is durable is unknown,
	 * and a later flush may succeed falsely (the kernel reports a failed
	 * write-back only once, see fsync(2)).
	 */
	Failure poison() const noexcept
	{
		int err = poison_;
		return err ? Failure{err, Cause::region_poisoned} : Failure{};
	}

	Mutex &access_lock() noexcept PMEM_RETURNS_LOCK(access_lock_)
	{
		return access_lock_;
	}

	/* All return the initiator's result. Offsets are checked here. */
	[[nodiscard]] Failure check(uint64_t offset, uint64_t length,
				    uint8_t needed_access) const noexcept;
	[[nodiscard]] Failure store(uint64_t offset, const uint8_t *source,
				    size_t length, bool flush) noexcept;
	/*
	 * Stores the elements of `element` bytes in which `now` differs from
	 * `was`; none of up to 8 aligned bytes is ever seen in part.
	 */
	[[nodiscard]] Failure replace(uint64_t offset, const uint8_t *was,
				      const uint8_t *now, size_t length,
				      size_t element) noexcept;
	/* Bytes were received to where the region has them. */
	[[nodiscard]] Failure placed(uint64_t offset, size_t length);
	[[nodiscard]] Failure flush(uint64_t offset, size_t length) noexcept;
	[[nodiscard]] Failure load(uint64_t offset, uint8_t *target,
				   size_t length) noexcept;
	/* See Backend::begin_drain(). */
	[[nodiscard]] Failure begin_drain(size_t commits,
					  PendingDrain *pending) noexcept;
	[[nodiscard]] Failure end_drain(uint64_t ticket) noexcept;

	/* If another region of the same file has failed, so has this. */
	void share_failure() noexcept;

	/*
	 * Checks bytes that were written up to `mark`, before their commit is
	 * reported. If the ledger knows of one that is not durable, it poisons
	 * the region and returns FI_EIO. Without a ledger it never fails.
	 */
	[[nodiscard]] Failure verify(const Extent &extent,
				     FlushLedger::Mark mark);

private:
	void set_poison(int err) noexcept;
	Failure poisoned_by(int ret) noexcept;

	std::atomic<int> poison_{0}; /* a positive fi_errno */
	Mutex access_lock_{lock_rank::kRegionAccess};
};

class RegionTable
{
public:
	/* Its lock has so many stripes. */
	explicit RegionTable(size_t stripes = 1) : stripes_(stripes) {}

	/* Thread i of the service has stripe i. */
	StripedLock &lock() noexcept PMEM_RETURNS_LOCK(lock_) { return lock_; }

	/*
	 * Held for one atomic operation, so that none sees another's half, also
	 * where regions have the same memory.
	 */
	Mutex &atomics() noexcept PMEM_RETURNS_LOCK(atomics_)
	{
		return atomics_;
	}

	/*
	 * Takes the region over under a new random token. On failure, also when
	 * it throws std::bad_alloc, the region stays the caller's.
	 */
	[[nodiscard]] int add(std::unique_ptr<TargetRegion> &&region,
			      uint64_t *token);

	/*
	 * Removes and returns a region, or returns null if there is none. After
	 * this has returned the service no longer executes requests on the
	 * memory.
	 */
	std::unique_ptr<TargetRegion> remove(uint64_t token);

	/* Returns true if any region ever had a flush ledger; call it under the
	 * lock. */
	bool keeps_ledgers() const noexcept
	{
		lock_.assert_shared();
		return keeps_ledgers_;
	}

	/* Returns the writes to the regions that are announced to the
	 * application. */
	Announcements &announcements() noexcept { return announcements_; }

	/* Returns the service's events for the application. */
	DomainEvents &events() noexcept { return events_; }

	/*
	 * Gets the token and the error of a poisoned region that has not been
	 * reported yet. Returns false if there is none.
	 */
	[[nodiscard]] bool take_poisoned(uint64_t *token,
					 Failure *poison) noexcept;

	/* Says how often find() may fail for peers. */
	GuessLimit &guesses() noexcept { return guesses_; }
	/* Says how often wrong proofs of a region key are logged. */
	GuessLimit &wrong_proofs() noexcept { return wrong_proofs_; }

	/* Returns null if there is none; call it under the lock. */
	TargetRegion *find(uint64_t token) noexcept;

	/*
	 * Gets the region that a peer names, on a channel that is sealed with
	 * this key, or with none. Everything that a peer asks for a region
	 * passes here. Call it under the lock.
	 */
	[[nodiscard]] Failure admit(uint64_t token, const RegionKey *key,
				    TargetRegion **region) noexcept;

	/*
	 * The sealed region accepts one key more, or less. After the latter has
	 * returned, nothing is executed on it under that key any more. Returns
	 * 0, -FI_EINVAL for a region that is not sealed, -FI_ENOSPC,
	 * -FI_ENOKEY, or -FI_ENOMEM.
	 */
	[[nodiscard]] int add_key(uint64_t token, uint64_t key_id);
	[[nodiscard]] int remove_key(uint64_t token, uint64_t key_id) noexcept;
	/* No region accepts this key any more. */
	void forget_key(uint64_t key_id) noexcept;

	/* A sync failed: poisons every region of that file. */
	void share_failures() noexcept;

	/*
	 * Makes local buffers durable (a read with FI_COMMIT_COMPLETE). Returns
	 * -FI_EINVAL if one lies in no persistent region.
	 */
	[[nodiscard]] int commit_local(const iovec *iov, size_t count) noexcept;

	/* Returns true if every buffer lies in a persistent region. */
	bool contains(const iovec *iov, size_t count) noexcept;

private:
	/* A buffer that is being made durable. */
	struct LocalCommit {
		uint64_t token;
		Extent extent;
		FlushLedger::Mark mark;
		PendingDrain drain;
	};

	TargetRegion *sealed_region(uint64_t token) noexcept
		PMEM_REQUIRES_SHARED(lock_);
	TargetRegion *containing(const iovec &buffer, uint64_t *token) noexcept
		PMEM_REQUIRES_SHARED(lock_);
	/* Threads that are not the service's share the last stripe. */
	size_t stripe_of_others() const noexcept { return stripes_ - 1; }
	Failure begin_commit(const iovec &buffer, LocalCommit *commit);
	Failure end_commit(const LocalCommit &commit);
	Failure commit_local(const iovec &buffer);

	const size_t stripes_;
	StripedLock lock_{lock_rank::kRegionTable, stripes_};
	Mutex atomics_{lock_rank::kAtomics};
	std::unordered_map<uint64_t, std::unique_ptr<TargetRegion>>
		regions_ PMEM_GUARDED_BY(lock_);
	Announcements announcements_;
	DomainEvents events_;
	GuessLimit guesses_;
	GuessLimit wrong_proofs_;
	bool keeps_ledgers_ PMEM_GUARDED_BY(lock_) = false;
};

} // namespace ofi_pmem
