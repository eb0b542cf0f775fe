/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The way of a record through the writer: append() stages it, post() sends what
 * is staged and the pointer behind it, collect() sees what has completed.
 * open() is in recovery.cc.
 */
#pragma once

#include "log/scanner.hh"

#include <vector>

namespace ofi_pmem_log
{

class Writer::Impl
{
public:
	Impl(const Path &path, const Place &place, const Options &options);

	int open();
	int append(const iovec *iov, size_t count, uint64_t *end);
	int poll();
	int sync();
	int retire(uint64_t position);
	int make_room(uint64_t bytes);

	uint64_t head() const { return control_.head; }
	uint64_t end() const { return end_; }
	uint64_t acknowledged() const
	{
		return options_.order == Order::lazy ? committed_
						     : control_.pointer;
	}

	Remote remote;
	Status status;

private:
	/*
	 * A record on its way, in the part of the buffer that has the same
	 * index.
	 */
	struct Append {
		uint64_t end = 0; /* where it ends and the next one begins */
		Span spans[2] = {};
		Operation writes[2];
		size_t count = 0;  /* number of spans */
		size_t posted = 0; /* spans that are posted */

		bool done() const
		{
			return writes[0].done && (count < 2 || writes[1].done);
		}
	};

	/* Describes a pointer, or a head, on its way. */
	struct Word {
		Operation write;
		uint64_t value = 0;
	};

	int check_options();
	int allocate();
	int adopt(uint64_t end);
	int copy_back(uint64_t begin, uint64_t end);
	int find_oldest(uint64_t bytes, uint64_t *position);
	void stage(Append *append, const iovec *iov, size_t count, size_t len);
	void collect();
	int post();
	ssize_t post_record(Append *append, char *from);
	ssize_t post_word(Word *word, size_t index, uint64_t value,
			  uint64_t offset);
	bool pointer_is_due() const;

	Append &append_at(uint64_t number)
	{
		return appends_[number % appends_.size()];
	}
	char *slot_of(uint64_t number)
	{
		return buffer_.data() + number % appends_.size() * slot_bytes_;
	}
	bool room_for_pointer() const
	{
		return last_pointer_ - first_pointer_ < pointers_.size();
	}
	uint64_t free_bytes() const
	{
		return control_.superblock.capacity - (end_ - control_.head);
	}

	Options options_;
	Scanner scanner_;
	/* The head and pointer that are known to be durable. */
	Control control_{};
	Buffer buffer_; /* a slot for each append */
	Buffer word_buffer_;
	size_t slot_bytes_ = 0;

	/*
	 * These are numbers of appends; an append is free, staged, posted, or
	 * committed.
	 */
	std::vector<Append> appends_;
	uint64_t oldest_ = 0;
	uint64_t first_uncommitted_ = 0; /* not used by Order::target */
	uint64_t first_unposted_ = 0;
	uint64_t next_ = 0;

	/* The positions up to which the same holds. */
	uint64_t end_ = 0;
	uint64_t posted_ = 0;
	uint64_t committed_ = 0;

	std::vector<Word> pointers_; /* by their numbers, modulo the size */
	uint64_t first_pointer_ = 0;
	uint64_t last_pointer_ = 0;
	uint64_t pointed_ = 0;	      /* the last one's value */
	uint64_t pointed_number_ = 0; /* appends that it covers */
	bool syncing_ = false;

	Word head_;
	bool retiring_ = false;
};

} // namespace ofi_pmem_log
