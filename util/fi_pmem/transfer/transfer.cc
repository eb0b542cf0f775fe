/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Sets a transfer up, and has its loop. Every way out is bounded in time: a
 * signal leaves the operations in flight, and the drain behind them, kDrain to
 * finish; and a transfer that makes no progress for --stall seconds fails.
 */
#include "transfer/transfer.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr auto kDrain = std::chrono::seconds(2);
constexpr size_t kPage = 4096;
/* Bytes that one operation digests, unless --block is more. */
constexpr size_t kDigested = 1 << 20;

/* While posting is refused, progress comes from trying again. */
constexpr int kRetryMs = 1;

} // namespace

/* The endpoint goes first: no operation may be in flight into the buffer. */
Transfer::~Transfer()
{
	connection_.close();
}

int Transfer::run(Direction direction, uint64_t length, BlockStream &stream,
		  ProgressBar &bar)
{
	int ret = prepare(direction, length);
	if (ret)
		return ret;
	start_ = Clock::now();
	last_progress_ = start_;
	window_ =
		Window(std::max<uint64_t>(options_.window_bytes, block_bytes_),
		       start_);
	posted_bytes_ = done_bytes_ = resumed_bytes_;
	ret = loop(stream, bar);
	bar.clear();
	seconds_ = std::chrono::duration<double>(Clock::now() - start_).count();
	return ret;
}

int Transfer::prepare(Direction direction, uint64_t length)
{
	direction_ = direction;
	length_ = length;
	size_t buffer_bytes = 0;
	int ret = choose_blocks(&buffer_bytes);
	if (ret)
		return ret;
	uint64_t count = (length - 1) / block_bytes_ + 1;
	blocks_.resize(std::min<uint64_t>(count, options_.depth));
	return prepare_buffers(buffer_bytes);
}

/* One operation digests a multiple of --block. */
int Transfer::choose_blocks(size_t *buffer_bytes)
{
	if (direction_ != Direction::digest) {
		block_bytes_ = std::min(options_.block_bytes,
					connection_.max_message_bytes());
		*buffer_bytes = block_bytes_;
		drains_ = direction_ == Direction::write && options_.commit &&
			  has_ofi_pmem(connection_.provider());
		return drains_ ? connection_.open_extension(&ops_) : int{kOk};
	}
	size_t digests = std::max<size_t>(kDigested / options_.digest_block, 1);
	block_bytes_ = digests * options_.digest_block;
	digests_bytes_ = digests * ofi_pmem::digest_length(options_.digest);
	*buffer_bytes = digests_bytes_;
	return connection_.open_extension(&ops_);
}

int Transfer::prepare_buffers(size_t buffer_bytes)
{
	size_t total = blocks_.size() * buffer_bytes;
	total = (total + kPage - 1) / kPage * kPage;
	buffer_.reset(static_cast<char *>(std::aligned_alloc(kPage, total)));
	if (!buffer_)
		return report_.fail(kFailed,
				    "no memory for %zu bytes in "
				    "flight",
				    total);
	for (size_t i = 0; i < blocks_.size(); i++)
		blocks_[i].buffer = buffer_.get() + i * buffer_bytes;
	if (direction_ == Direction::digest)
		return kOk;
	int ret = connection_.fabric().register_local(
		buffer_.get(), total,
		direction_ == Direction::write ? FI_WRITE : FI_READ, &mr_);
	if (ret)
		return report_.fail(kFailed,
				    "cannot register %zu bytes of "
				    "memory: %s",
				    total, fi_strerror(-ret));
	return kOk;
}

int Transfer::loop(BlockStream &stream, ProgressBar &bar)
{
	while (!is_finished()) {
		bool blocked = false;
		size_t reaped = 0;
		int ret = check_signals();
		if (!ret)
			ret = post_blocks(stream, &blocked);
		if (!ret)
			ret = post_drain(&blocked);
		if (!ret)
			ret = reap(&reaped);
		if (!ret)
			ret = retire(stream);
		if (!ret && !reaped)
			ret = check_peer();
		if (ret)
			return ret;
		bar.update(kept_bytes());
		if (!reaped && !is_finished())
			sleep(stream, blocked);
	}
	return kept_bytes() < length_ ? stopped_ : int{kOk};
}

/* If it stops early, what has been written still becomes durable. */
bool Transfer::is_finished() const
{
	if (kept_bytes() == length_)
		return true;
	return stopped_ && !in_flight_ && !drain_.in_flight &&
	       kept_bytes() == done_bytes_;
}

/* Posts nothing more; operations in flight go on. */
int Transfer::stop(int code)
{
	if (!stopped_)
		stopped_ = code;
	return kOk;
}

void Transfer::sleep(BlockStream &stream, bool blocked)
{
	auto until = last_progress_ + std::chrono::seconds(options_.stall_s);
	if (signal_)
		until = std::min(until, drain_until_);
	if (resume_at_ > Clock::now())
		until = std::min(until, resume_at_);
	if (drains_ && !drain_.in_flight && durable_bytes_ < posted_bytes_)
		until = std::min(until, window_.due_at());
	auto left = std::chrono::ceil<std::chrono::milliseconds>(until -
								 Clock::now());
	auto timeout = std::max<int64_t>(left.count(), 0);
	if (blocked)
		timeout = std::min<int64_t>(timeout, kRetryMs);
	connection_.fabric().wait(static_cast<int>(timeout),
				  awaits_input_ ? stream.wait_fd() : -1);
}

/*
 * Returns whether --rate makes the next block wait; then a lack of progress is
 * not a stall.
 */
bool Transfer::is_throttled()
{
	if (!options_.rate)
		return false;
	using Seconds = std::chrono::duration<double>;
	constexpr Seconds kLongest = std::chrono::hours(24 * 365);
	Seconds due(static_cast<double>(posted_bytes_) /
		    static_cast<double>(options_.rate));
	resume_at_ = start_ + std::chrono::ceil<Clock::duration>(
				      std::min(due, kLongest));
	if (resume_at_ <= Clock::now())
		return false;
	if (!in_flight_)
		last_progress_ = resume_at_;
	return true;
}

/* A first signal stops posting; a second one stops waiting too. */
int Transfer::check_signals()
{
	int signal = connection_.interrupt().take();
	if (signal && !signal_) {
		signal_ = signal;
		drain_until_ = Clock::now() + kDrain;
		return stop(report_.fail(kSignalBase + signal,
					 "interrupted by %s",
					 signal_name(signal).c_str()));
	}
	if (signal || (signal_ && Clock::now() >= drain_until_))
		return report_.fail(kSignalBase + signal_, "interrupted by %s",
				    signal_name(signal_).c_str());
	return kOk;
}

/* The time before there was anything to wait for is no stall of the peer. */
void Transfer::starts_waiting()
{
	if (!in_flight_ && !drain_.in_flight)
		last_progress_ = Clock::now();
}

int Transfer::check_peer()
{
	if (connection_.is_lost())
		return report_.fail(kFailed, "lost the connection to %s",
				    connection_.peer().c_str());
	/* While it waits for its input, it does not wait for the peer. */
	if (awaits_input_)
		starts_waiting();
	auto limit = std::chrono::seconds(options_.stall_s);
	if (!signal_ && Clock::now() - last_progress_ >= limit)
		return report_.fail(
			kFailed, "no answer from %s for %u s: gave up",
			connection_.peer().c_str(), options_.stall_s);
	return kOk;
}

} // namespace fi_pmem
