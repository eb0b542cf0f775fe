/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/remote.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace ofi_pmem_log
{

namespace
{

constexpr size_t kPage = 4096;

/*
 * Posting that was refused is tried again after this time, completion or not.
 */
constexpr int kSleepMs = 1;

/* Control lines that a writer is changing are read this often. */
constexpr int kControlReads = 100;

} // namespace

int Buffer::allocate(const Path &path, size_t bytes)
{
	mr_.reset();
	bytes_ = (bytes + kPage - 1) / kPage * kPage;
	data_.reset(static_cast<char *>(std::aligned_alloc(kPage, bytes_)));
	if (!data_)
		return -FI_ENOMEM;
	std::memset(data_.get(), 0, bytes_);
	auto mr_mode = static_cast<uint64_t>(path.info->domain_attr->mr_mode);
	if (!(mr_mode & FI_MR_LOCAL))
		return 0;
	fid_mr *mr = nullptr;
	int ret = fi_mr_reg(path.domain, data_.get(), bytes_,
			    FI_READ | FI_WRITE, 0, 0, 0, &mr, nullptr);
	mr_.reset(mr);
	return ret;
}

Remote::Remote(const Path &path, const Place &place)
	: path_(path), place_(place)
{
}

int Remote::fail(int ret, const std::string &text)
{
	text_ = text;
	return ret;
}

/* The first failure is the reason. */
int Remote::give_up(int ret)
{
	if (!failed_)
		failed_ = fail(ret, fi_strerror(-ret));
	return failed_;
}

int Remote::open()
{
	if (place_.len < kMinPlace || place_.addr % kLine)
		return fail(-FI_EINVAL, "a log of " +
						std::to_string(place_.len) +
						" bytes at address " +
						std::to_string(place_.addr) +
						": must be at least " +
						std::to_string(kMinPlace) +
						", at a multiple of 64");
	int ret = scratch_.allocate(path_, kControlBytes);
	if (ret)
		return fail(ret, "no memory for operations");
	/*
	 * Without ofi_pmem a fenced commit is the next best, if there is one.
	 */
	fi_ops_pmem_ep *ops = nullptr;
	if (!fi_open_ops(&path_.ep->fid, FI_PMEM_EP_OPS, 0,
			 reinterpret_cast<void **>(&ops), nullptr))
		ops_ = ops;
	return 0;
}

namespace
{

/* The arguments of fi_writemsg() and fi_readmsg() for one piece. */
struct Message {
	Message(Operation *operation, const Piece &piece, const Place &place,
		uint64_t offset)
		: local{piece.data, piece.len},
		  desc(piece.desc), range{place.addr + offset, piece.len,
					  place.key},
		  msg{&local, &desc, 1, place.peer, &range, 1, operation, 0}
	{
	}

	iovec local;
	void *desc;
	fi_rma_iov range;
	fi_msg_rma msg;
};

} // namespace

ssize_t Remote::post_write(Operation *operation, const Piece &piece,
			   uint64_t offset, uint64_t flags)
{
	if (failed_)
		return failed_;
	Message message(operation, piece, place_, offset);
	operation->done = false;
	return fi_writemsg(path_.ep, &message.msg, flags);
}

ssize_t Remote::post_ordered(Operation *operation, const Piece &piece,
			     uint64_t offset)
{
	if (!ops_)
		return post_write(operation, piece, offset,
				  FI_COMPLETION | FI_FENCE |
					  FI_COMMIT_COMPLETE);
	if (failed_)
		return failed_;
	Message message(operation, piece, place_, offset);
	operation->done = false;
	return ops_->write_ordered(path_.ep, &message.msg, FI_COMPLETION);
}

/* The queue has answered with `ret`. */
int Remote::take_error(ssize_t ret)
{
	/*
	 * The queue is the caller's, whose libfabric may have a longer entry.
	 */
	struct {
		fi_cq_err_entry known{};
		uint64_t later[32] = {};
	} roomy;
	fi_cq_err_entry &error = roomy.known;
	error.err = static_cast<int>(-ret);
	if (ret == -FI_EAVAIL && fi_cq_readerr(path_.cq, &error, 0) < 0)
		return 0;
	const char *detail = fi_cq_strerror(path_.cq, error.prov_errno,
					    error.err_data, nullptr, 0);
	std::string text = fi_strerror(error.err);
	if (detail && text != detail)
		text += std::string(": ") + detail;
	failed_ = fail(-error.err, text);
	return failed_;
}

/*
 * Completions are read one at a time: only the context's place is known in each
 * format.
 */
int Remote::reap()
{
	if (failed_)
		return failed_;
	for (;;) {
		fi_cq_tagged_entry entry{};
		ssize_t ret = fi_cq_read(path_.cq, &entry, 1);
		if (ret == -FI_EAGAIN || ret == -FI_EINTR)
			return 0;
		if (ret < 0)
			return take_error(ret);
		static_cast<Operation *>(entry.op_context)->done = true;
	}
}

Remote::Clock::time_point Remote::deadline() const
{
	return Clock::now() + std::chrono::milliseconds(place_.timeout_ms);
}

int Remote::wait_briefly(Clock::time_point until)
{
	if (failed_)
		return failed_;
	fi_cq_tagged_entry entry{};
	ssize_t ret = fi_cq_sread(path_.cq, &entry, 1, nullptr, kSleepMs);
	if (ret == 1)
		static_cast<Operation *>(entry.op_context)->done = true;
	else if (ret == -FI_EAVAIL)
		return take_error(ret);
	else if (ret == -FI_ENOSYS || ret == -FI_EINVAL)
		std::this_thread::yield();
	if (Clock::now() >= until) {
		failed_ =
			fail(-FI_ETIMEDOUT,
			     "no answer from the peer for " +
				     std::to_string(place_.timeout_ms) + " ms");
		return failed_;
	}
	return reap();
}

template <typename Post> int Remote::perform(Post &&post)
{
	ssize_t ret = -FI_EAGAIN;
	int waited = wait_while([&] {
		ret = post();
		return ret == -FI_EAGAIN;
	});
	if (waited)
		return waited;
	if (ret)
		return give_up(static_cast<int>(ret));
	posted_ = true;
	return wait_while([&] { return !operation_.done; });
}

int Remote::read(Buffer *into, size_t into_offset, const Span &span)
{
	for (size_t done = 0; done < span.len;) {
		size_t len = std::min(span.len - done, max_message());
		Piece piece{into->data() + into_offset + done, len,
			    into->desc()};
		Message message(&operation_, piece, place_, span.offset + done);
		operation_.done = false;
		int ret = perform([&] {
			return fi_readmsg(path_.ep, &message.msg,
					  FI_COMPLETION);
		});
		if (ret)
			return ret;
		done += len;
	}
	return 0;
}

int Remote::write(const Piece &piece, uint64_t offset, uint64_t flags)
{
	return perform([&] {
		return post_write(&operation_, piece, offset,
				  flags | FI_COMPLETION | FI_COMMIT_COMPLETE);
	});
}

int Remote::write_word(uint64_t value, uint64_t offset)
{
	std::memcpy(scratch_.data(), &value, sizeof(value));
	/* It is fenced, because a power failure does not tear such a write. */
	return write({scratch_.data(), sizeof(value), scratch_.desc()}, offset,
		     FI_FENCE);
}

int Remote::read_control(Control *control)
{
	for (int i = 0; i < kControlReads; i++) {
		int ret = read(&scratch_, 0, {0, sizeof(*control)});
		if (ret)
			return ret;
		std::memcpy(control, scratch_.data(), sizeof(*control));
		Fault fault = find_fault(*control, place_.len);
		if (fault.ret)
			return fail(fault.ret, fault.text);
		if (!contradicts(*control))
			return 0;
	}
	return fail(-FI_EIO, "the log's head and pointer contradict each "
			     "other: " +
				     std::to_string(control->head) + ", " +
				     std::to_string(control->pointer));
}

/* The bytes are the same, so it does not matter if this is torn. */
int Remote::store_control_again(const Control &control)
{
	std::memcpy(scratch_.data(), &control, sizeof(control));
	return write({scratch_.data(), sizeof(control), scratch_.desc()}, 0);
}

int Remote::write_control(const Control &control)
{
	Piece piece{scratch_.data(), sizeof(control), scratch_.desc()};
	/*
	 * While it is half written there is no log; its first line comes last.
	 */
	std::memset(scratch_.data(), 0, sizeof(control));
	int ret = write(piece, 0, FI_FENCE);
	if (!ret) {
		std::memcpy(scratch_.data(), &control, sizeof(control));
		ret = write(piece, 0, FI_FENCE);
	}
	return ret;
}

} // namespace ofi_pmem_log
