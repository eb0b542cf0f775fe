/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Moves a stream of blocks to or from a region, or gets their digests, with
 * several in flight. Blocks are prepared and retired in order, so what has been
 * retired is a contiguous prefix. A put over ofi_pmem writes without
 * committing, and drains now and then (window.hh) and at its end: what a drain
 * covered is a durable prefix. Other providers have no drain; there every write
 * commits.
 */
#pragma once

#include "cli/options.hh"
#include "client/connection.hh"
#include "transfer/window.hh"

#include <rdma/fi_ext_pmem.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace fi_pmem
{

class ProgressBar;

/* Is the local end of a transfer; calls come in ascending order. */
class BlockStream
{
public:
	virtual ~BlockStream() = default;

	/*
	 * Called before a block is written; fills the buffer. It gets fewer
	 * bytes than asked for if the input has ended, or has paused; then
	 * wait_fd() shows when there is more. Returns an exit code.
	 */
	[[nodiscard]] virtual int fill(char *buffer, size_t bytes,
				       size_t *filled) = 0;
	[[nodiscard]] virtual bool ended() const { return false; }
	[[nodiscard]] virtual int wait_fd() const { return -1; }

	/*
	 * Called after a block was read, with its bytes, or after it was
	 * digested, with `bytes` bytes of digests. Returns an exit code.
	 */
	[[nodiscard]] virtual int drain(const char *buffer, size_t bytes) = 0;

	/*
	 * Called before the digests of a block for each part of it that has
	 * none, with its position from the transfer's beginning, and its
	 * length.
	 */
	virtual void unreadable(uint64_t, uint64_t) {}
};

enum class Direction { write, read, digest };

class Transfer
{
public:
	Transfer(const Options &options, Report &report, Connection &connection)
		: options_(options), report_(report), connection_(connection)
	{
	}
	~Transfer();
	Transfer(const Transfer &) = delete;
	Transfer &operator=(const Transfer &) = delete;

	/*
	 * Called before run() for a put that an earlier one began: the first
	 * `bytes` bytes are at the peer already. They are made durable, and
	 * what follows them is written.
	 */
	void resume_behind(uint64_t bytes) { resumed_bytes_ = bytes; }

	/*
	 * Moves, or digests, `length` bytes at --offset, or as many as the
	 * stream has until it ends; the range has been checked. Returns an exit
	 * code.
	 */
	[[nodiscard]] int run(Direction direction, uint64_t length,
			      BlockStream &stream, ProgressBar &bar);

	/* Returns the length of the contiguous prefix that has been moved. */
	[[nodiscard]] uint64_t done_bytes() const { return done_bytes_; }

	/* Returns, for a put, how much of that has been made durable. */
	[[nodiscard]] uint64_t durable_bytes() const
	{
		return options_.commit ? kept_bytes() : 0;
	}

	[[nodiscard]] double seconds() const { return seconds_; }

private:
	enum class State { free, filling, ready, posted, done };

	/* Has the context of an operation, whose address it shares. */
	struct Block {
		fi_context2 context{};
		char *buffer = nullptr;
		uint64_t position = 0; /* from the transfer's beginning */
		size_t bytes = 0;
		size_t filled = 0;
		State state = State::free;
		std::vector<fi_pmem_bad_block> bad; /* found by a digest */
	};

	/* Makes the bytes before `covers` durable; one at a time. */
	struct Drain {
		fi_context2 context{};
		uint64_t covers = 0;
		Clock::time_point posted;
		bool in_flight = false;
	};

	struct BufferFree {
		void operator()(char *buffer) const { std::free(buffer); }
	};

	[[nodiscard]] int prepare(Direction direction, uint64_t length);
	[[nodiscard]] int choose_blocks(size_t *buffer_bytes);
	[[nodiscard]] int prepare_buffers(size_t buffer_bytes);
	[[nodiscard]] bool is_throttled();
	[[nodiscard]] int loop(BlockStream &stream, ProgressBar &bar);
	[[nodiscard]] int post_blocks(BlockStream &stream, bool *blocked);
	[[nodiscard]] int fill_block(BlockStream &stream, Block &block);
	[[nodiscard]] int post_drain(bool *blocked);
	[[nodiscard]] ssize_t post_flush(uint64_t begin, uint64_t end);
	[[nodiscard]] bool is_drain_due() const;
	void take_drain();
	[[nodiscard]] ssize_t post(Block &block);
	[[nodiscard]] ssize_t post_digest(Block &block,
					  const fi_rma_iov &remote);
	[[nodiscard]] int reads_back_otherwise(const fi_pmem_bad_block *bad,
					       size_t count);
	[[nodiscard]] int reap(size_t *count);
	[[nodiscard]] int take_error(const fi_cq_err_entry &error,
				     size_t *count);
	[[nodiscard]] int retire(BlockStream &stream);
	[[nodiscard]] int check_signals();
	[[nodiscard]] int check_peer();
	[[nodiscard]] int operation_failed(const Block *block, int error,
					   const std::string &detail);
	[[nodiscard]] int stop(int code);
	[[nodiscard]] bool is_finished() const;
	/* Returns how far everything that the result promises has come. */
	[[nodiscard]] uint64_t kept_bytes() const
	{
		return drains_ ? std::min(durable_bytes_, done_bytes_)
			       : done_bytes_;
	}
	[[nodiscard]] Block &block_at(uint64_t position)
	{
		return blocks_[(position / block_bytes_) % blocks_.size()];
	}
	void starts_waiting();
	void sleep(BlockStream &stream, bool blocked);

	const Options &options_;
	Report &report_;
	Connection &connection_;
	Direction direction_ = Direction::write;
	uint64_t length_ = 0;
	size_t block_bytes_ = 0;
	size_t digests_bytes_ = 0;	/* those of one block */
	fi_ops_pmem_ep *ops_ = nullptr; /* to digest, and to drain */
	std::unique_ptr<char, BufferFree> buffer_;
	FidPtr<fid_mr> mr_;
	std::vector<Block> blocks_;
	uint64_t resumed_bytes_ = 0;
	uint64_t posted_bytes_ = 0;
	uint64_t done_bytes_ = 0;
	size_t in_flight_ = 0;
	bool drains_ = false; /* it writes without committing, and drains */
	Window window_{0, {}};
	Drain drain_;
	uint64_t durable_bytes_ = 0;
	bool awaits_input_ = false;
	int signal_ = 0;
	int stopped_ = 0; /* the exit code, once nothing more is posted */
	Clock::time_point drain_until_;
	Clock::time_point start_;
	Clock::time_point last_progress_;
	Clock::time_point resume_at_; /* used while throttled */
	double seconds_ = 0;
};

} // namespace fi_pmem
