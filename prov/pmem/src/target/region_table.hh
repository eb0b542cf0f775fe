/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The persistent regions of one domain: maps a key's token to memory and
 * backend. The service executes under the table's lock, so that a region can
 * be closed at any time and is not in use afterwards.
 */
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include <sys/uio.h>

#include "core/errors.hh"
#include "persist/backend.hh"
#include "persist/flush_ledger.hh"
#include "persist/read_back.hh"
#include "target/announcements.hh"
#include "target/domain_events.hh"
#include "target/guess_limit.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

/* One persistent region. Its fields are fixed when it is added, except those
 * that poison changes. */
struct TargetRegion {
	uint8_t *memory = nullptr;
	size_t len = 0;
	uint64_t base = 0;  /* the address that initiators use for `memory` */
	uint8_t access = 0; /* wire::Access */
	uint64_t notify_base = 0;
	uint64_t notify_key = 0;
	std::unique_ptr<Backend> backend;
	/* For one-sided access by channels; null if the backend forbids it or
	 * the region is poisoned. It is closed before the backend, which may
	 * exchange the memory's pages. */
	std::unique_ptr<LinkMemory> link_memory;

	/*
	 * Set by the first failed flush or drain: what is durable is unknown,
	 * and a later flush may succeed falsely (the kernel reports a failed
	 * write-back only once, see fsync(2)).
	 */
	Failure poison;
	bool poison_told = false;
	DomainEvents *events = nullptr; /* the table's; gets the event */

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
	[[nodiscard]] Failure flush(uint64_t offset, size_t length) noexcept;
	[[nodiscard]] Failure load(uint64_t offset, uint8_t *target,
				   size_t length) noexcept;
	[[nodiscard]] Failure drain() noexcept;

	/* Makes a buffer inside the region durable. */
	[[nodiscard]] Failure commit_local(const iovec &buffer);

	/*
	 * Called before a commit of bytes that were written up to `mark` is
	 * reported. If the ledger knows of one that is not durable, it poisons
	 * the region and returns FI_EIO. Without a ledger it never fails.
	 */
	[[nodiscard]] Failure verify(const Extent &extent,
				     FlushLedger::Mark mark);

private:
	void set_poison(int err) noexcept;
	Failure poisoned_by(int ret) noexcept;
};

class RegionTable
{
public:
	std::mutex &lock() noexcept { return mutex_; }

	/* Takes the region over under a new random token. */
	[[nodiscard]] int add(std::unique_ptr<TargetRegion> region,
			      uint64_t *token);

	/*
	 * Removes and returns a region; null if there is none. After this has
	 * returned the service no longer executes requests on the memory.
	 */
	std::unique_ptr<TargetRegion> remove(uint64_t token);

	/* True if any region ever had a flush ledger. */
	bool keeps_ledgers() const noexcept { return keeps_ledgers_; }

	/* Writes to the regions that are announced to the application. */
	Announcements &announcements() noexcept { return announcements_; }

	/* The service's events for the application. */
	DomainEvents &events() noexcept { return events_; }

	/*
	 * Gets the token and the error of a poisoned region that has not been
	 * reported yet. Returns false if there is none.
	 */
	[[nodiscard]] bool take_poisoned(uint64_t *token,
					 Failure *poison) noexcept;

	/* Called under the lock: the service reads back into this buffer. */
	ReadBackBuffer &read_back_buffer() noexcept
	{
		return read_back_buffer_;
	}

	/* Called under the lock: how often find() may fail for peers. */
	GuessLimit &guesses() noexcept { return guesses_; }

	/* Called under the lock; returns null if there is none. */
	TargetRegion *find(uint64_t token) noexcept;

	/*
	 * Makes local buffers durable (a read with FI_COMMIT_COMPLETE). Returns
	 * -FI_EINVAL if one lies in no persistent region.
	 */
	[[nodiscard]] int commit_local(const iovec *iov, size_t count) noexcept;

	/* True if every buffer lies in a persistent region. */
	bool contains(const iovec *iov, size_t count) noexcept;

private:
	TargetRegion *containing(const iovec &buffer) noexcept;

	std::mutex mutex_;
	std::unordered_map<uint64_t, std::unique_ptr<TargetRegion>> regions_;
	Announcements announcements_;
	DomainEvents events_;
	ReadBackBuffer read_back_buffer_;
	GuessLimit guesses_;
	bool keeps_ledgers_ = false;
};

} // namespace ofi_pmem
