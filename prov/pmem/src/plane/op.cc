/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "plane/op.hh"

#include "plane/channel_table.hh"

namespace ofi_pmem
{

void PersistentOp::inner_completed(int err, int) noexcept
{
	if (ChannelTable *table = table_)
		table->notified(this, err, true);
}

namespace
{

uint64_t flags_of(const OpRequest &request) noexcept
{
	if (request.atomic)
		return FI_ATOMIC | (request.atomic->fetch ? FI_READ : FI_WRITE);
	return FI_RMA | (request.write ? FI_WRITE : FI_READ);
}

} // namespace

void PersistentOp::assign(const OpRequest &request, uint64_t op_id) noexcept
{
	const fi_msg_rma &msg = *request.msg;
	id = op_id;
	context = msg.context;
	completion_flags = flags_of(request);
	write = request.write;
	level = request.level;
	fence = request.fence;
	inject = request.inject;
	notify = request.notify;
	report = request.report;
	local_commit = request.local_commit;
	flush = request.flush;
	more = request.more;
	peer = msg.addr;
	data = msg.data;
	/* A flush of everything is of the channel. */
	range_count = flush == FlushScope::everything ? 0 : msg.rma_iov_count;
	len = 0;
	if (flush == FlushScope::none) {
		for (size_t i = 0; i < range_count; i++)
			len += msg.rma_iov[i].len;
	}
	local.assign(msg.msg_iov, msg.iov_count);
	for (size_t i = 0; i < msg.iov_count; i++)
		desc[i] = msg.desc ? msg.desc[i] : nullptr;
	assign_atomic(request.atomic);
	verifies = request.verify;
	if (verifies)
		verify = *request.verify;
	blocks_posted = 0;
	bad_blocks.clear();
	checked = request.checked;
	expected.clear();
	earlier_blocks = 0;
	earlier_bytes = 0;
	started = false;
	preamble_posted = false;
	body_posted = false;
	announced = false;
	fully_posted = false;
	range_index = 0;
	range_offset = 0;
	iov_offset = 0;
	chain_index = 0;
	unanswered = 0;
	unfinished = 0;
	whole = nullptr;
	failure = Failure{};
}

void PersistentOp::keep_copy()
{
	copy.resize(len);
	local.gather(0, copy.data(), len);
	iovec kept{copy.data(), len};
	local.assign(&kept, 1);
	desc[0] = nullptr;
	inject = false;
}

void PersistentOp::assign_atomic(const AtomicOp *asked) noexcept
{
	atomic = asked;
	fetch = asked && asked->fetch;
	if (!asked)
		return;
	datatype = asked->datatype;
	atomic_op = asked->op;
	compare.assign(asked->compare, asked->compare_count);
	result.assign(asked->result, asked->result_count);
}

size_t PersistentOp::slice(size_t offset, size_t bytes,
			   iovec *out) const noexcept
{
	size_t count = 0;
	local.for_each_part(offset, bytes,
			    [&](size_t, uint8_t *base, size_t part) {
				    out[count] = {base, part};
				    count++;
			    });
	return count;
}

} // namespace ofi_pmem
