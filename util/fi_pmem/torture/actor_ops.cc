/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Posts the operations of an initiator, and checks completions and reads.
 */
#include "torture/actor.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "torture/content.hh"

#include <rdma/fi_atomic.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace fi_pmem
{

namespace
{

constexpr uint64_t kFenced = FI_FENCE | FI_COMMIT_COMPLETE;

uint64_t flags_of(TortureKind kind)
{
	switch (kind) {
	case TortureKind::commit:
	case TortureKind::atomic_commit:
		return FI_COMPLETION | FI_COMMIT_COMPLETE;
	case TortureKind::verified:
		return FI_COMPLETION | FI_COMMIT_COMPLETE | FI_PMEM_VERIFY;
	case TortureKind::fenced:
	case TortureKind::drain:
	case TortureKind::atomic_fenced:
		return FI_COMPLETION | kFenced;
	default:
		return FI_COMPLETION;
	}
}

} // namespace

int TortureInitiator::noted(int error)
{
	return error ? report_.fail(kLocalFile, "the journal: %s",
				    strerror(error))
		     : int{kOk};
}

/* Returns when a slot is free, or all are. */
int TortureInitiator::await_slot(bool all)
{
	while (busy_ == slots_.size() || (all && busy_)) {
		size_t before = busy_;
		int ret = reap();
		if (!ret && busy_ == before)
			ret = pause();
		if (ret)
			return ret;
	}
	return kOk;
}

/* Sleeps until there may be news; ends what takes too long. */
int TortureInitiator::pause()
{
	/* Its events would end every sleep at once. */
	static_cast<void>(connection_.is_lost());
	if (Clock::now() - last_progress_ >
	    std::chrono::seconds(options_.stall_s))
		return hangs();
	if (int signal = connection_.interrupt().take())
		return report_.fail(kSignalBase + signal, "interrupted");
	connection_.fabric().wait(connection_.is_lost() ? 1 : 20);
	return kOk;
}

int TortureInitiator::hangs()
{
	for (const Slot &slot : slots_) {
		int ret = slot.busy ? noted(journal_.note('h', slot.op->number))
				    : int{kOk};
		if (ret)
			return ret;
	}
	return report_.fail(kHung, "initiator %u had no completion for %u s",
			    actor_.initiator, options_.stall_s);
}

/*
 * Prepares what the operation needs before it is posted, and notes its effect.
 */
void TortureInitiator::prepare(Slot &slot)
{
	const TortureOp &op = *slot.op;
	if (op.writes()) {
		fill_content(salt_, op.number, op.offset, slot.buffer,
			     op.length);
		memcpy(&visible_[op.offset - actor_.begin], slot.buffer,
		       op.length);
	} else if (op.kind == TortureKind::read) {
		const uint8_t *area = &visible_[op.offset - actor_.begin];
		slot.expected.assign(area, area + op.length);
		memset(slot.buffer, 0, op.length);
	} else if (op.is_atomic()) {
		uint64_t bit = uint64_t{1} << op.bit;
		memcpy(slot.buffer, &bit, sizeof(bit));
	}
}

int TortureInitiator::post(Slot &slot)
{
	uint32_t number = slot.op->number;
	posted_ = slot.index + 1;
	if (!busy_)
		last_progress_ = Clock::now();
	slot.busy = true;
	busy_++;
	prepare(slot);
	int ret = noted(journal_.note('p', number));
	while (!ret) {
		ssize_t started = start(slot);
		if (!started)
			return kOk;
		if (started != -FI_EAGAIN)
			return finish(slot, static_cast<int>(-started));
		size_t before = busy_;
		ret = reap();
		if (!ret && busy_ == before)
			ret = pause();
	}
	return ret;
}

ssize_t TortureInitiator::start(Slot &slot)
{
	switch (slot.op->kind) {
	case TortureKind::flush:
	case TortureKind::flush_region:
		return start_flush(slot);
	case TortureKind::drain_all:
		return ops_->drain_all(connection_.ep(), &slot.context,
				       FI_COMPLETION);
	case TortureKind::atomic:
	case TortureKind::atomic_commit:
	case TortureKind::atomic_fenced:
		return start_atomic(slot);
	default:
		return start_write(slot);
	}
}

/* Starts a write or a read. */
ssize_t TortureInitiator::start_write(Slot &slot)
{
	const TortureOp &op = *slot.op;
	const Descriptor &region = connection_.region();
	iovec local{slot.buffer, op.length};
	void *desc = mr_ ? fi_mr_desc(mr_.get()) : nullptr;
	fi_rma_iov remote{region.address + op.offset, op.length, region.key};
	fi_msg_rma message{
		&local, &desc,	       1, connection_.address(), &remote,
		1,	&slot.context, 0};
	if (op.kind == TortureKind::read)
		return fi_readmsg(connection_.ep(), &message, FI_COMPLETION);
	if (op.kind == TortureKind::ordered)
		return ops_->write_ordered(connection_.ep(), &message,
					   FI_COMPLETION);
	return fi_writemsg(connection_.ep(), &message, flags_of(op.kind));
}

ssize_t TortureInitiator::start_flush(Slot &slot)
{
	const TortureOp &op = *slot.op;
	const Descriptor &region = connection_.region();
	fi_rma_iov range{region.address + op.offset, op.length, region.key};
	fi_pmem_msg_flush message{};
	message.rma_iov = &range;
	message.rma_iov_count = 1;
	message.addr = connection_.address();
	message.context = &slot.context;
	message.placement = FI_PMEM_PLACE_PERSISTENT;
	message.selectivity = op.kind == TortureKind::flush
				      ? FI_PMEM_SELECT_RANGES
				      : FI_PMEM_SELECT_REGIONS;
	return ops_->flushv(connection_.ep(), &message, FI_COMPLETION);
}

ssize_t TortureInitiator::start_atomic(Slot &slot)
{
	const TortureOp &op = *slot.op;
	const Descriptor &region = connection_.region();
	fi_ioc local{slot.buffer, 1};
	void *desc = mr_ ? fi_mr_desc(mr_.get()) : nullptr;
	fi_rma_ioc remote{region.address + op.offset, 1, region.key};
	fi_msg_atomic message{
		&local, &desc,	   1,	    connection_.address(), &remote,
		1,	FI_UINT64, FI_BXOR, &slot.context,	   0};
	return fi_atomicmsg(connection_.ep(), &message, flags_of(op.kind));
}

int TortureInitiator::reap()
{
	fi_cq_entry entries[16];
	fid_cq *cq = connection_.fabric().cq();
	ssize_t ret = fi_cq_read(cq, entries, 16);
	if (ret == -FI_EAVAIL) {
		fi_cq_err_entry error{};
		if (fi_cq_readerr(cq, &error, 0) < 0 || !error.op_context)
			return kOk;
		return finish(*static_cast<Slot *>(error.op_context),
			      error.err);
	}
	int end = kOk;
	for (ssize_t i = 0; !end && i < ret; i++)
		end = finish(*static_cast<Slot *>(entries[i].op_context), 0);
	return end;
}

/* `error` is a positive fi_errno, 0 of a success. */
int TortureInitiator::finish(Slot &slot, int error)
{
	const TortureOp &op = *slot.op;
	if (!slot.busy)
		return report_.fail(kFailed,
				    "operation %u has completed more than once",
				    op.number);
	slot.busy = false;
	busy_--;
	last_progress_ = Clock::now();
	if (error) {
		failed_ = true;
		return noted(journal_.note(shared_.ended ? 'f' : 'x', op.number,
					   static_cast<uint64_t>(error)));
	}
	if (op.kind == TortureKind::read) {
		int ret = check_read(slot);
		if (ret)
			return ret;
	}
	return noted(journal_.note('a', op.number));
}

int TortureInitiator::check_read(const Slot &slot)
{
	const TortureOp &op = *slot.op;
	for (uint64_t i = 0; i < op.length; i++) {
		if (slot.buffer[i] == slot.expected[i] ||
		    may_read(slot, op.offset + i, slot.buffer[i]))
			continue;
		return noted(journal_.note('w', op.number, op.offset + i));
	}
	return kOk;
}

/* A write posted after the read may be seen by it. */
bool TortureInitiator::may_read(const Slot &slot, uint64_t at,
				uint8_t found) const
{
	for (size_t i = slot.index + 1; i < posted_; i++) {
		const TortureOp &op = actor_.ops[i];
		if (!op.writes() || at < op.offset ||
		    at >= op.offset + op.length)
			continue;
		uint8_t wrote;
		fill_content(salt_, op.number, at, &wrote, 1);
		if (wrote == found)
			return true;
	}
	return false;
}

} // namespace fi_pmem
