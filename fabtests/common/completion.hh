/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reading completions of any CQ format, errors included, with a deadline.
 */
#pragma once

#include "common/launcher.hh"

#include <rdma/fi_eq.h>

#include <chrono>
#include <deque>
#include <string>
#include <vector>

namespace pmem_test
{

/* Fields that the queue's format lacks are 0. */
struct Completion {
	void *context = nullptr;
	uint64_t flags = 0;
	size_t len = 0;
	uint64_t data = 0;
	int err = 0; /* positive fi_errno; 0 is success */
	int prov_errno = 0;
	std::string text; /* fi_cq_strerror() of an error */
	std::vector<uint8_t> err_data;
};

/* Ends the wait of whoever spins; gives way to others meanwhile. */
class Deadline
{
public:
	explicit Deadline(std::chrono::milliseconds limit = kTimeout)
		: end_(std::chrono::steady_clock::now() + limit)
	{
	}
	bool passed() const { return std::chrono::steady_clock::now() > end_; }

	/* Throws std::runtime_error naming `what` when the time is over. */
	void spin(const char *what) const;

private:
	std::chrono::steady_clock::time_point end_;
};

/* One thread at a time may use it. */
class CompletionQueue
{
public:
	CompletionQueue(fid_cq *cq, fi_cq_format format)
		: cq_(cq), format_(format)
	{
	}

	/* Reads what there is into the backlog; drives progress. */
	void poll();

	/* Takes one from the backlog. False when that is empty. */
	bool take(Completion *completion);

	Completion wait(std::chrono::milliseconds limit = kTimeout);

	/* Polls once, then takes one. */
	bool poll_one(Completion *completion);

private:
	void read_error();

	fid_cq *cq_;
	fi_cq_format format_;
	std::deque<Completion> backlog_;
};

} // namespace pmem_test
