/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The log's memory at the peer: it posts reads and writes and collects their
 * completions. Where waiting is allowed, it has calls that wait.
 */
#pragma once

#include "log/layout.hh"
#include "shared/fid.hh"

#include <ofi_pmem/log.hh>
#include <rdma/fi_ext_pmem.h>
#include <rdma/fi_rma.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

namespace ofi_pmem_log
{

/* One call of libfabric; its address is the context. */
struct Operation {
	fi_context2 context{}; /* must be the first member */
	bool done = false;
};

/* Memory for operations, registered if the provider needs that. */
class Buffer
{
public:
	/* Returns 0 or a negative fi_errno. */
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

/* Describes a part of a buffer. */
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

	/*
	 * `offset` is within the place. There is a completion only with
	 * FI_COMPLETION.
	 */
	ssize_t post_write(Operation *operation, const Piece &piece,
			   uint64_t offset, uint64_t flags);

	/* Writes 8 bytes in order, with a completion. */
	ssize_t post_ordered(Operation *operation, const Piece &piece,
			     uint64_t offset);

	/*
	 * Marks what has completed. Returns 0, or the error of one that failed.
	 */
	int reap();

	/* All of these wait, and fail after the place's timeout_ms. */
	int read(Buffer *into, size_t into_offset, const Span &span);
	int write(const Piece &piece, uint64_t offset, uint64_t flags = 0);
	int write_word(uint64_t value, uint64_t offset);

	/*
	 * Gets and checks the control lines; text() says why there is no log.
	 */
	int read_control(Control *control);
	int write_control(const Control &control);

	/* Makes durable what read_control() has seen. */
	int store_control_again(const Control &control);

	/* Makes progress while `busy()`, until the timeout. */
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

	/* Returns whether a call that waited has given its operation up. */
	bool busy() const { return posted_ && !operation_.done; }

	/* Posting failed with `ret`; from now on nothing is posted. */
	int give_up(int ret);

	/* Sets the text, and returns `ret`. */
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
	Operation operation_; /* used by the calls that wait */
	bool posted_ = false; /* it was posted at least once */
	Buffer scratch_;      /* a word, or the control lines */
	std::string text_;
	int failed_ = 0; /* the first error; nothing is posted after it */
};

} // namespace ofi_pmem_log
