/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Completions that the persistence plane produced, in the order of their
 * arrival, until the application reads them. Room is reserved when an
 * operation is accepted, so that reporting it later cannot fail.
 */
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include <rdma/fi_eq.h>

namespace ofi_pmem
{

/* Bytes of one entry of that format. */
size_t cq_entry_size(fi_cq_format format) noexcept;

/*
 * An error entry with its own copy of err_data; none where there is no memory
 * for that.
 */
class StoredError
{
public:
	void store(const fi_cq_err_entry &entry,
		   fi_addr_t source = FI_ADDR_NOTAVAIL) noexcept;

	/*
	 * Fills the application's entry, whose end and whose way of receiving
	 * err_data depend on the API version. Where it receives a pointer,
	 * that points into this object.
	 */
	void copy_to(uint32_t version, fi_cq_err_entry *entry) noexcept;

	const fi_cq_err_entry &entry() const noexcept { return entry_; }

private:
	fi_cq_err_entry entry_{};
	/* The address of a source that is not in the address vector. */
	fi_addr_t source_ = FI_ADDR_NOTAVAIL;
	std::vector<uint8_t> data_;
};

/* Any thread. */
class CompletionRing
{
public:
	explicit CompletionRing(size_t capacity) noexcept : capacity_(capacity)
	{
	}

	/*
	 * Before the first reserve(), and any time after: the places are not
	 * there for a queue that needs none. Throws std::bad_alloc.
	 */
	void make_places();
	size_t capacity() const noexcept { return capacity_; }

	/* -FI_EAGAIN when every place is taken. */
	[[nodiscard]] int reserve() noexcept;

	/* Gives a place back that was reserved and not used. */
	void unreserve() noexcept { --reserved_; }

	/* Each uses one reserved place. */
	void push(const fi_cq_tagged_entry &entry, fi_addr_t source) noexcept;
	void push_error(const fi_cq_err_entry &entry) noexcept;

	bool empty() const noexcept { return pending_.load() == 0; }

	/*
	 * Moves up to `count` completions out, in `format`; `sources` may be
	 * null. 0 when there is none, -FI_EAVAIL when an error is first.
	 */
	ssize_t read(fi_cq_format format, void *buf, size_t count,
		     fi_addr_t *sources) noexcept;

	/* 1, or -FI_EAGAIN when no error is first. err_data: StoredError. */
	ssize_t readerr(uint32_t version, fi_cq_err_entry *entry) noexcept;

private:
	struct Slot {
		bool failed = false;
		fi_addr_t source = FI_ADDR_NOTAVAIL;
		StoredError entry;
	};

	Slot &append() noexcept;
	void drop_first() noexcept;

	std::atomic<size_t> reserved_{0};
	std::atomic<size_t> pending_{0};
	std::mutex lock_;
	const size_t capacity_;
	std::vector<Slot> slots_;
	size_t first_ = 0;
	/* The error read last: its err_data stays valid until the next. */
	StoredError last_error_;
};

} // namespace ofi_pmem
