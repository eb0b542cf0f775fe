/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The log's memory at the peer: posting reads and writes of it, their
 * completions, and for what may wait, calls that do.
 */
#pragma once

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include <ofi_pmem/log.hh>
#include <rdma/fi_ext_pmem.h>
#include <rdma/fi_rma.h>

#include "core/fid.hh"
#include "layout.hh"

namespace ofi_pmem_log
{

/* One call of libfabric's; its address is the context. */
struct Operation {
	fi_context2 context{}; /* first */
	bool done = false;
};

/* Memory for operations, registered where the provider wants that. */
class Buffer
{
public:
	/* 0, or a negative fi_errno. */
	int allocate(const Path &path, size_t bytes);

	char *data() { return data_.get(); }
	size_t bytes() const { return bytes_; }
	void *desc() const { return mr_ ? fi_mr_desc(mr_.get()) : nullptr; }

private:
	struct Free {
		void operator()(char *data) const { std::free(data); }
	};

	std::unique_ptr<char, Free> data_;
	size_t bytes_ = 0;
	ofi_pmem::FidPtr<fid_mr> mr_;
};

/* A part of a buffer. */
struct Piece {
	char *data;
	size_t len;
	void *desc;
};

class Remote
{
public:
	Remote(const Path &path, const Place &place);

	/* Opens what it needs itself. */
	int open();

	/* `offset` is within the place. A completion only with FI_COMPLETION.
	 */
	ssize_t post_write(Operation *operation, const Piece &piece,
			   uint64_t offset, uint64_t flags);

	/* Of 8 bytes, in order; with a completion. */
	ssize_t post_ordered(Operation *operation, const Piece &piece,
			     uint64_t offset);

	/* Marks what has completed; 0, or how one failed. */
	int reap();

	/* All of these wait, and fail after the place's timeout_ms. */
	int read(Buffer *into, size_t into_offset, const Span &span);
	int write(const Piece &piece, uint64_t offset, uint64_t flags = 0);
	int write_word(uint64_t value, uint64_t offset);

	/* The control lines, checked; `*text` where there is no log. */
	int read_control(Control *control);
	int write_control(const Control &control);

	/* Makes durable what read_control() has seen. */
	int store_control_again(const Control &control);

	/* While `busy()`: progress, until the timeout. */
	template <typename Busy> int wait_while(Busy &&busy)
	{
		auto until = deadline();
		while (busy()) {
			int ret = wait_briefly(until);
			if (ret)
				return ret;
		}
		return 0;
	}

	/* Whether a call that waited has given its operation up. */
	bool busy() const { return posted_ && !operation_.done; }

	/* Posting failed with `ret`: nothing is posted any more. */
	int give_up(int ret);

	/* Tells why, and returns `ret`. */
	int fail(int ret, const std::string &text);

	const Path &path() const { return path_; }
	size_t max_message() const { return path_.info->ep_attr->max_msg_size; }
	const std::string &text() const { return text_; }

private:
	using Clock = std::chrono::steady_clock;

	Clock::time_point deadline() const;
	int wait_briefly(Clock::time_point until);
	template <typename Post> int perform(Post &&post);
	int take_error(ssize_t ret);

	Path path_;
	Place place_;
	const fi_ops_pmem_ep *ops_ = nullptr;
	Operation operation_; /* of the calls that wait */
	bool posted_ = false; /* it was, at least once */
	Buffer scratch_;      /* a word, or the control lines */
	std::string text_;
	int failed_ = 0; /* the first error; nothing is posted after it */
};

} // namespace ofi_pmem_log
