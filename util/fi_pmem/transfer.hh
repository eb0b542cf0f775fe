/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A stream of blocks to or from a region, or of their digests, several in
 * flight. Blocks are prepared and retired in order, so what has been retired is
 * a contiguous prefix: for put, of bytes that are durable at the peer.
 */
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include <rdma/fi_ext_pmem.h>

#include "connection.hh"

namespace fi_pmem
{

class ProgressBar;

/* The local end of a transfer; both calls come in ascending order. */
class BlockStream
{
public:
	virtual ~BlockStream() = default;

	/* Before a block is written: fills the buffer. Exit code. */
	[[nodiscard]] virtual int fill(char *buffer, size_t bytes) = 0;

	/*
	 * After a block was read: takes the buffer; after it was digested: the
	 * digests of its `bytes` bytes. Exit code.
	 */
	[[nodiscard]] virtual int drain(const char *buffer, size_t bytes) = 0;

	/*
	 * Before the digests of a block: a part of it that has none, at this
	 * position from the transfer's begin.
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

	/* Moves, or digests, `length` bytes at --offset; the range has been
	 * checked. */
	[[nodiscard]] int run(Direction direction, uint64_t length,
			      BlockStream &stream, ProgressBar &bar);

	/* How long the contiguous prefix is that has been moved. */
	[[nodiscard]] uint64_t done_bytes() const { return done_bytes_; }

	[[nodiscard]] double seconds() const { return seconds_; }

private:
	enum class State { free, ready, posted, done };

	/* The context of an operation: its address is the operation's. */
	struct Block {
		fi_context2 context{};
		char *buffer = nullptr;
		uint64_t position = 0; /* from the transfer's begin */
		size_t bytes = 0;
		State state = State::free;
		std::vector<fi_pmem_bad_block> bad; /* digested */
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
	[[nodiscard]] bool is_finished() const
	{
		return done_bytes_ == length_ || (signal_ && !in_flight_);
	}
	[[nodiscard]] Block &block_at(uint64_t position)
	{
		return blocks_[(position / block_bytes_) % blocks_.size()];
	}
	void sleep(bool blocked);

	const Options &options_;
	Report &report_;
	Connection &connection_;
	Direction direction_ = Direction::write;
	uint64_t length_ = 0;
	size_t block_bytes_ = 0;
	size_t digests_bytes_ = 0;	/* of a block */
	fi_ops_pmem_ep *ops_ = nullptr; /* to digest */
	std::unique_ptr<char, BufferFree> buffer_;
	FidPtr<fid_mr> mr_;
	std::vector<Block> blocks_;
	uint64_t posted_bytes_ = 0;
	uint64_t done_bytes_ = 0;
	size_t in_flight_ = 0;
	int signal_ = 0;
	Clock::time_point drain_until_;
	Clock::time_point start_;
	Clock::time_point last_progress_;
	Clock::time_point resume_at_; /* while throttled */
	double seconds_ = 0;
};

} // namespace fi_pmem
