/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keeps the completions of the persistence plane, in the order of their
 * arrival, until the application reads them. Room is reserved when an operation
 * is accepted, so that reporting its completion later cannot fail.
 */
#pragma once

#include "core/lock.hh"

#include <rdma/fi_eq.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace ofi_pmem
{

/* Returns the bytes of one entry in this format. */
size_t cq_entry_size(fi_cq_format format) noexcept;

/*
 * Holds an error entry with its own copy of err_data, or without err_data if
 * memory is short.
 */
class StoredError
{
public:
	void store(const fi_cq_err_entry &entry,
		   fi_addr_t source = FI_ADDR_NOTAVAIL) noexcept;

	/*
	 * Fills the application's entry. Its size, and how it receives
	 * err_data, depend on the API version. If it receives a pointer, that
	 * points into this object.
	 */
	void copy_to(uint32_t version, fi_cq_err_entry *entry) noexcept;

	const fi_cq_err_entry &entry() const noexcept { return entry_; }

private:
	fi_cq_err_entry entry_{};
	/* The address of a source that is not in the address vector. */
	fi_addr_t source_ = FI_ADDR_NOTAVAIL;
	std::vector<uint8_t> data_;
};

/* Any thread may call it. */
class CompletionRing
{
public:
	explicit CompletionRing(size_t capacity) noexcept : capacity_(capacity)
	{
	}

	/*
	 * Called before the first reserve(), and maybe again later: a queue
	 * that needs no places has none. Throws std::bad_alloc.
	 */
	void make_places();
	size_t capacity() const noexcept { return capacity_; }

	/* Returns 0, or -FI_EAGAIN if every place is taken. */
	[[nodiscard]] int reserve() noexcept;

	/* Gives back a place that was reserved and not used. */
	void unreserve() noexcept { --reserved_; }

	/* Each call uses one reserved place. */
	void push(const fi_cq_tagged_entry &entry, fi_addr_t source) noexcept;
	void push_error(const fi_cq_err_entry &entry) noexcept;

	bool empty() const noexcept { return pending_.load() == 0; }

	/*
	 * Moves up to `count` completions out, in `format`; `sources` may be
	 * null. Returns their number, or -FI_EAVAIL if an error is first.
	 */
	ssize_t read(fi_cq_format format, void *buf, size_t count,
		     fi_addr_t *sources) noexcept;

	/* Returns 1, or -FI_EAGAIN if no error is first. StoredError says how
	 * long err_data lives. */
	ssize_t readerr(uint32_t version, fi_cq_err_entry *entry) noexcept;

private:
	struct Slot {
		bool failed = false;
		fi_addr_t source = FI_ADDR_NOTAVAIL;
		StoredError entry;
	};

	Slot &append() noexcept PMEM_REQUIRES(lock_);
	void drop_first() noexcept PMEM_REQUIRES(lock_);

	std::atomic<size_t> reserved_{0};
	std::atomic<size_t> pending_{0};
	Mutex lock_{lock_rank::kCompletionRing};
	const size_t capacity_;
	/* Its size does not change after the first reserve(), which reads it
	 * without the lock. The slots are used under the lock. */
	std::vector<Slot> slots_;
	size_t first_ PMEM_GUARDED_BY(lock_) = 0;
	/* The last error read; its err_data stays valid until the next. */
	StoredError last_error_ PMEM_GUARDED_BY(lock_);
};

} // namespace ofi_pmem
