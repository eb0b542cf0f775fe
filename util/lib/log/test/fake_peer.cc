/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/test/fake_peer.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace log_test
{

namespace
{

constexpr uint64_t kKey = 7;

} // namespace

FakePeer::FakePeer(size_t len, uint64_t seed)
	: random_(seed), visible_(len), durable_(len)
{
	fid_ops_.size = sizeof(fid_ops_);
	fid_ops_.ops_open = open_ops;
	rma_ops_.size = sizeof(rma_ops_);
	rma_ops_.writemsg = writemsg;
	rma_ops_.readmsg = readmsg;
	cq_ops_.size = sizeof(cq_ops_);
	cq_ops_.read = cq_read;
	cq_ops_.sread = cq_sread;
	cq_ops_.readerr = cq_readerr;
	cq_ops_.strerror = cq_strerror;
	ep_.fid.fclass = FI_CLASS_EP;
	ep_.fid.ops = &fid_ops_;
	ep_.rma = &rma_ops_;
	ep_.peer = this;
	cq_.fid.fclass = FI_CLASS_CQ;
	cq_.fid.ops = &fid_ops_;
	cq_.ops = &cq_ops_;
	cq_.peer = this;
	ep_attr_.max_msg_size = 1 << 20;
	info_.ep_attr = &ep_attr_;
	info_.domain_attr = &domain_attr_;
}

ofi_pmem_log::Path FakePeer::path()
{
	return {&info_, nullptr, &ep_, &cq_};
}

ofi_pmem_log::Place FakePeer::place() const
{
	return {0, visible_.size(), kKey, FI_ADDR_UNSPEC};
}

/* The fake is a provider without functions of its own. */
int FakePeer::open_ops(fid *, const char *, uint64_t, void **, void *)
{
	return -FI_ENOSYS;
}

ssize_t FakePeer::writemsg(fid_ep *ep, const fi_msg_rma *msg, uint64_t flags)
{
	return static_cast<Endpoint *>(ep)->peer->post(*msg, flags, false);
}

ssize_t FakePeer::readmsg(fid_ep *ep, const fi_msg_rma *msg, uint64_t flags)
{
	return static_cast<Endpoint *>(ep)->peer->post(*msg, flags, true);
}

ssize_t FakePeer::post(const fi_msg_rma &msg, uint64_t flags, bool read)
{
	const iovec &local = msg.msg_iov[0];
	const fi_rma_iov &range = msg.rma_iov[0];
	if (msg.iov_count != 1 || msg.rma_iov_count != 1 || range.key != kKey ||
	    range.len != local.iov_len || range.addr > visible_.size() ||
	    range.len > visible_.size() - range.addr)
		throw std::logic_error("an operation outside the region");
	bool tearable = local.iov_len != 8 || range.addr % 8;
	if ((flags & FI_FENCE) && range.addr && tearable)
		throw std::logic_error("a fenced commit that may be torn");
	if (!random_.below(8))
		return -FI_EAGAIN;
	ops_.push_back({read, flags, local, range.addr, msg.context});
	return 0;
}

/*
 * A fenced operation is executed after all before it; this holds for reads as
 * well.
 */
bool FakePeer::may_execute(size_t index) const
{
	if (ops_[index].finished)
		return false;
	if (!(ops_[index].flags & FI_FENCE))
		return true;
	return std::all_of(ops_.begin(),
			   ops_.begin() + static_cast<long>(index),
			   [](const Op &op) { return op.finished; });
}

void FakePeer::flush(size_t offset, size_t len)
{
	size_t begin = offset / kLine * kLine;
	size_t end = std::min((offset + len + kLine - 1) / kLine * kLine,
			      visible_.size());
	std::copy(visible_.begin() + static_cast<long>(begin),
		  visible_.begin() + static_cast<long>(end),
		  durable_.begin() + static_cast<long>(begin));
}

void FakePeer::flush_until(size_t index)
{
	for (size_t i = 0; i <= index; i++)
		if (!ops_[i].read)
			flush(ops_[i].offset, ops_[i].local.iov_len);
}

void FakePeer::execute(size_t index)
{
	Op &op = ops_[index];
	size_t rest = op.local.iov_len - op.done;
	size_t len = rest <= 8 ? rest : random_.between(1, rest / 8) * 8;
	auto local = static_cast<uint8_t *>(op.local.iov_base) + op.done;
	auto remote = visible_.data() + op.offset + op.done;
	if (op.read)
		std::memcpy(local, remote, len);
	else
		std::memcpy(remote, local, len);
	op.done += len;
	if (op.done < op.local.iov_len)
		return;
	op.finished = true;
	if (op.flags & FI_FENCE)
		flush_until(index);
	else if (op.flags & FI_COMMIT_COMPLETE)
		flush(op.offset, op.local.iov_len);
	if (op.flags & FI_COMPLETION)
		completions_.push_back(op.context);
	/* An unflushed write stays, for a later fenced commit to flush. */
	if (op.flags & FI_FENCE)
		ops_.erase(ops_.begin(),
			   ops_.begin() + static_cast<long>(index) + 1);
}

void FakePeer::evict()
{
	flush(random_.below(visible_.size()), 1);
}

void FakePeer::step()
{
	if (!random_.below(4))
		evict();
	std::vector<size_t> ready;
	for (size_t i = 0; i < ops_.size(); i++)
		if (may_execute(i))
			ready.push_back(i);
	if (!ready.empty())
		execute(ready[random_.below(ready.size())]);
}

void FakePeer::disconnect()
{
	for (uint64_t steps = random_.below(20); steps--;)
		step();
	ops_.clear();
	completions_.clear();
}

/* Each line keeps the new bytes, the old ones, or some of each. */
void FakePeer::fail_power()
{
	constexpr size_t kWord = 8;
	disconnect();
	for (size_t line = 0; line < visible_.size(); line += kLine) {
		uint64_t fate = random_.below(3);
		for (size_t at = line; at < line + kLine; at += kWord) {
			bool kept = fate == 2 ? random_.below(2) : fate == 1;
			if (kept)
				std::memcpy(&durable_[at], &visible_[at],
					    kWord);
		}
	}
	visible_ = durable_;
}

void FakePeer::store(size_t offset, const Bytes &bytes)
{
	std::copy(bytes.begin(), bytes.end(),
		  visible_.begin() + static_cast<long>(offset));
}

void FakePeer::change(size_t offset, const Bytes &bytes)
{
	store(offset, bytes);
	flush(offset, bytes.size());
}

ssize_t FakePeer::cq_read(fid_cq *cq, void *buf, size_t count)
{
	FakePeer &peer = *static_cast<Queue *>(cq)->peer;
	if (peer.broken_)
		return -FI_EAVAIL;
	if (peer.completions_.empty() || !count)
		return -FI_EAGAIN;
	static_cast<fi_cq_entry *>(buf)->op_context = peer.completions_.front();
	peer.completions_.pop_front();
	return 1;
}

ssize_t FakePeer::cq_sread(fid_cq *cq, void *buf, size_t count, const void *,
			   int)
{
	static_cast<Queue *>(cq)->peer->step();
	return cq_read(cq, buf, count);
}

ssize_t FakePeer::cq_readerr(fid_cq *, fi_cq_err_entry *entry, uint64_t)
{
	entry->err = FI_ECONNABORTED;
	return 1;
}

const char *FakePeer::cq_strerror(fid_cq *, int, const void *, char *, size_t)
{
	return "cut";
}

} // namespace log_test
