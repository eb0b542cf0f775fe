/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Knows what must be in a log that was written to at random and then lost its
 * power or its writer: the records that were appended, in their order, from the
 * oldest that was not retired to at least the last that was acknowledged, none
 * of them torn.
 */
#pragma once

#include "common/random.hh"

#include <ofi_pmem/log.hh>

#include <deque>
#include <functional>

namespace log_test
{

using namespace ofi_pmem_log;
using pmem_test::Bytes;
using pmem_test::Random;

inline constexpr Order kOrders[] = {Order::target, Order::initiator,
				    Order::lazy};

const char *name_of(Order order);

class LogModel
{
public:
	static constexpr size_t kMaxRecord = 6000;

	LogModel(Order order, uint64_t seed) : order_(order), random_(seed) {}

	/* Returns options for the next writer. */
	Options options();

	/*
	 * Opens the log and appends, polls, retires and waits, up to a given
	 * number of times; `between` is called after each.
	 */
	void write(Writer &writer, uint64_t steps,
		   const std::function<void()> &between);

	/*
	 * Reads the log, has it recovered by a writer, and reads it again.
	 * Empty, or what is wrong.
	 */
	std::string check(const Path &path, const Place &place);

	/* How many records were acknowledged, ever. */
	size_t acknowledged() const { return count_; }

private:
	struct Appended {
		uint64_t seed = 0;
		size_t len = 0;
		uint64_t begin = 0;
		uint64_t end = 0;
		bool acknowledged = false;
	};

	void open(Writer &writer);
	void append(Writer &writer);
	void make_room(Writer &writer);
	void note(const Writer &writer);
	std::string compare(const Record &record, size_t index) const;
	std::string read_all(Reader *reader, size_t *found, size_t *durable);

	Order order_;
	Random random_;
	std::deque<Appended> records_; /* from the oldest that may be found */
	uint64_t acknowledged_ = 0;    /* a position */
	size_t count_ = 0;
	uint64_t next_seed_ = 1;
};

} // namespace log_test
