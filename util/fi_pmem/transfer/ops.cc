/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The operations of a transfer: posting, completions, errors.
 */
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "transfer/transfer.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <cinttypes>

namespace fi_pmem
{

/* Stops at the first block that is refused temporarily, and sets `*blocked`. */
int Transfer::post_blocks(BlockStream &stream, bool *blocked)
{
	awaits_input_ = false;
	while (!stopped_ && posted_bytes_ < length_ && !is_throttled()) {
		Block &block = block_at(posted_bytes_);
		if (block.state == State::posted || block.state == State::done)
			return kOk; /* every block is in use */
		if (block.state == State::free) {
			block.position = posted_bytes_;
			block.bytes = std::min<uint64_t>(
				block_bytes_ - posted_bytes_ % block_bytes_,
				length_ - posted_bytes_);
			block.filled = 0;
			block.state = direction_ == Direction::write
					      ? State::filling
					      : State::ready;
		}
		if (block.state == State::filling) {
			int ret = fill_block(stream, block);
			if (ret)
				return stop(ret);
			if (block.state != State::ready)
				return kOk;
		}
		ssize_t ret = post(block);
		if (ret == -FI_EAGAIN) {
			*blocked = true;
			return kOk;
		}
		if (ret)
			return operation_failed(&block, static_cast<int>(-ret),
						"");
		starts_waiting();
		block.state = State::posted;
		posted_bytes_ += block.bytes;
		in_flight_++;
	}
	return kOk;
}

/* The end of the input is that of the transfer. */
int Transfer::fill_block(BlockStream &stream, Block &block)
{
	size_t filled = 0;
	int ret = stream.fill(block.buffer + block.filled,
			      block.bytes - block.filled, &filled);
	if (ret)
		return ret;
	block.filled += filled;
	if (block.filled < block.bytes && !stream.ended()) {
		awaits_input_ = true;
		return kOk;
	}
	if (stream.ended())
		length_ = block.position + block.filled;
	block.bytes = block.filled;
	block.state = block.bytes ? State::ready : State::free;
	return kOk;
}

/* A write that does not commit completes when the peer can see it. */
ssize_t Transfer::post(Block &block)
{
	const Descriptor &region = connection_.region();
	iovec local{block.buffer, block.bytes};
	void *local_desc = mr_ ? fi_mr_desc(mr_.get()) : nullptr;
	fi_rma_iov remote{region.address + options_.offset + block.position,
			  block.bytes, region.key};
	fi_msg_rma message{};
	message.msg_iov = &local;
	message.desc = &local_desc;
	message.iov_count = 1;
	message.rma_iov = &remote;
	message.rma_iov_count = 1;
	message.context = &block.context;
	if (direction_ == Direction::read)
		return fi_readmsg(connection_.ep(), &message, FI_COMPLETION);
	if (direction_ == Direction::digest)
		return post_digest(block, remote);
	return fi_writemsg(connection_.ep(), &message,
			   FI_COMPLETION |
				   (options_.commit && !drains_
					    ? FI_COMMIT_COMPLETE
					    : FI_DELIVERY_COMPLETE) |
				   (options_.verify ? FI_PMEM_VERIFY : 0));
}

ssize_t Transfer::post_digest(Block &block, const fi_rma_iov &remote)
{
	fi_pmem_msg_verify message{};
	message.rma_iov = &remote;
	message.rma_iov_count = 1;
	message.context = &block.context;
	message.digest = static_cast<fi_pmem_digest>(options_.digest);
	message.block = options_.digest_block;
	message.digests = block.buffer;
	message.digests_size = digests_bytes_;
	block.bad.clear();
	return ops_->verify(connection_.ep(), &message, FI_COMPLETION);
}

int Transfer::reap(size_t *count)
{
	fi_cq_entry entries[64];
	fid_cq *cq = connection_.fabric().cq();
	ssize_t ret = fi_cq_read(cq, entries, 64);
	if (ret == -FI_EAVAIL) {
		fi_cq_err_entry error{};
		ret = fi_cq_readerr(cq, &error, 0);
		return ret < 0 ? kOk : take_error(error, count);
	}
	if (ret < 0 && ret != -FI_EAGAIN && ret != -FI_EINTR)
		return operation_failed(nullptr, static_cast<int>(-ret), "");
	for (ssize_t i = 0; i < ret; i++) {
		if (entries[i].op_context == &drain_.context) {
			take_drain();
			continue;
		}
		static_cast<Block *>(entries[i].op_context)->state =
			State::done;
		in_flight_--;
	}
	if (ret > 0) {
		*count = static_cast<size_t>(ret);
		last_progress_ = Clock::now();
	}
	return kOk;
}

/* Blocks that cannot be digested are a result; everything else is a failure. */
int Transfer::take_error(const fi_cq_err_entry &error, size_t *count)
{
	auto block = error.op_context == &drain_.context
			     ? nullptr
			     : static_cast<Block *>(error.op_context);
	auto bad = static_cast<const fi_pmem_bad_block *>(error.err_data);
	size_t bad_count = error.err_data_size / sizeof(*bad);
	bool checks = direction_ == Direction::digest || options_.verify;
	if (checks && bad_count && direction_ == Direction::write)
		return reads_back_otherwise(bad, bad_count);
	if (checks && bad_count) {
		block->bad.assign(bad, bad + bad_count);
		block->state = State::done;
		*count = 1;
		in_flight_--;
		last_progress_ = Clock::now();
		return kOk;
	}
	const char *detail =
		fi_cq_strerror(connection_.fabric().cq(), error.prov_errno,
			       error.err_data, nullptr, 0);
	return operation_failed(block, error.err, detail ? detail : "");
}

/* Reports the first block that failed; others are in flight. */
int Transfer::reads_back_otherwise(const fi_pmem_bad_block *bad, size_t count)
{
	uint64_t offset = bad->addr - connection_.region().address;
	return report_.fail(
		kDiffers,
		"%s does not read back what was written: blocks "
		"%zu, the first of %" PRIu64 " bytes at offset %" PRIu64,
		connection_.peer().c_str(), count, bad->length, offset);
}

int Transfer::retire(BlockStream &stream)
{
	while (done_bytes_ < posted_bytes_) {
		Block &block = block_at(done_bytes_);
		if (block.state != State::done)
			break;
		for (const fi_pmem_bad_block &bad : block.bad)
			stream.unreadable(bad.addr -
						  connection_.region().address -
						  options_.offset,
					  bad.length);
		if (direction_ != Direction::write) {
			int ret = stream.drain(block.buffer, block.bytes);
			if (ret)
				return ret;
		}
		done_bytes_ += block.bytes;
		block.state = State::free;
	}
	return kOk;
}

/* The end of the connection says more than the error it caused. */
int Transfer::operation_failed(const Block *block, int error,
			       const std::string &detail)
{
	const char *peer = connection_.peer().c_str();
	std::string why = fi_strerror(error);
	if (!detail.empty() && detail != why)
		why += ": " + detail;
	if (connection_.is_lost())
		return report_.fail(kFailed, "lost the connection to %s (%s)",
				    peer, why.c_str());
	const char *what = direction_ == Direction::write  ? "write"
			   : direction_ == Direction::read ? "read"
							   : "verification";
	if (Connection::is_refusal(error))
		return connection_.refused(error,
					   std::string(what) + ": " + why);
	if (!block)
		return report_.fail(kFailed, "%s at %s failed: %s", what, peer,
				    why.c_str());
	return report_.fail(kFailed,
			    "%s of %zu bytes at offset %" PRIu64 " of %s "
			    "failed: %s",
			    what, block->bytes,
			    options_.offset + block->position, peer,
			    why.c_str());
}

} // namespace fi_pmem
