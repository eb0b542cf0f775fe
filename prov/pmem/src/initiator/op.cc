/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/op.hh"

#include "initiator/region_cache.hh"
#include "protocol/atomic.hh"

namespace ofi_pmem
{

const char *to_string(OpKind kind) noexcept
{
	switch (kind) {
	case OpKind::read:
		return "read";
	case OpKind::write:
		return "write";
	case OpKind::atomic:
		return "atomic";
	case OpKind::flush:
		return "flush";
	case OpKind::verify:
		return "verify";
	}
	return "unknown";
}

OpRequest OpRequest::atomic(const fi_msg_rma &msg, const AtomicOp &op) noexcept
{
	OpRequest request(OpKind::atomic, msg);
	request.atomic_ = &op;
	request.writes_ = atomic_traits(op.op).modifies();
	return request;
}

OpRequest OpRequest::flush(const fi_msg_rma &msg, FlushScope scope) noexcept
{
	OpRequest request(OpKind::flush, msg);
	request.scope_ = scope;
	return request;
}

OpRequest OpRequest::verify(const fi_msg_rma &msg, const VerifyOp &op) noexcept
{
	OpRequest request(OpKind::verify, msg);
	request.verify_ = &op;
	return request;
}

uint8_t OpRequest::needed_access() const noexcept
{
	if (is(OpKind::atomic))
		return wire::access_for_atomic(writes_, atomic_->fetch);
	if (!writes_)
		return wire::kRemoteRead;
	return static_cast<uint8_t>(wire::kRemoteWrite |
				    (options_.checked ? wire::kRemoteRead : 0));
}

AtomicPayload::AtomicPayload(const AtomicOp &asked) noexcept
	: datatype(asked.datatype), op(asked.op), fetch(asked.fetch)
{
	compare.assign(asked.compare, asked.compare_count);
	result.assign(asked.result, asked.result_count);
}

void PersistentOp::inner_completed(int err, int) noexcept
{
	if (NotificationSink *sink = sink_)
		sink->notified(this, err, true);
}

namespace
{

uint64_t flags_of(const OpRequest &request) noexcept
{
	if (request.is(OpKind::atomic))
		return FI_ATOMIC |
		       (request.atomic_op().fetch ? FI_READ : FI_WRITE);
	return FI_RMA | (request.writes() ? FI_WRITE : FI_READ);
}

} // namespace

void PersistentOp::assign(const OpRequest &request, uint64_t op_id) noexcept
{
	const fi_msg_rma &msg = request.msg();
	id = op_id;
	context = msg.context;
	completion_flags = flags_of(request);
	level = request.level();
	writes = request.writes();
	options = request.options();
	peer.named = msg.addr;
	local.assign(msg.msg_iov, msg.iov_count);
	for (size_t i = 0; i < msg.iov_count; i++)
		desc[i] = msg.desc ? msg.desc[i] : nullptr;
	range_count = msg.rma_iov_count;
	len = 0;
	for (size_t i = 0; i < msg.rma_iov_count; i++)
		len += msg.rma_iov[i].len;
	switch (request.kind()) {
	case OpKind::read:
		payload_ = ReadPayload{request.local_commit()};
		break;
	case OpKind::write:
		payload_ = WritePayload{msg.data};
		break;
	case OpKind::atomic:
		payload_.emplace<AtomicPayload>(request.atomic_op());
		break;
	case OpKind::flush:
		payload_ = FlushPayload{request.scope()};
		len = 0;
		/* A flush of everything concerns the whole channel. */
		if (request.scope() == FlushScope::everything)
			range_count = 0;
		break;
	case OpKind::verify:
		payload_ = VerifyPayload{request.verify_op()};
		break;
	}
	checks.expected.clear();
	checks.earlier_blocks = 0;
	checks.earlier_bytes = 0;
	bad_blocks.clear();
	posting = {};
	unanswered = 0;
	unfinished = 0;
	whole = nullptr;
	failure = Failure{};
}

void PersistentOp::hold(size_t index, RemoteRegion *region) noexcept
{
	regions[index] = region;
	region->users++;
}

void PersistentOp::release() noexcept
{
	for (RemoteRegion *&region : regions) {
		if (!region)
			break;
		region->users--;
		region = nullptr;
	}
	local_memory.clear();
}

bool PersistentOp::regions_known() const noexcept
{
	for (size_t i = 0; i < range_count; i++) {
		if (!regions[i]->known())
			return false;
	}
	return true;
}

bool PersistentOp::nic_settles() const noexcept
{
	if (checks_itself())
		return false;
	for (size_t i = 0; i < range_count; i++) {
		if (regions[i]->settling->by_nic())
			return true;
	}
	return false;
}

void PersistentOp::keep_copy()
{
	copy.resize(len);
	local.gather(0, copy.data(), len);
	iovec kept{copy.data(), len};
	local.assign(&kept, 1);
	desc[0] = nullptr;
	options.inject = false;
}

} // namespace ofi_pmem
