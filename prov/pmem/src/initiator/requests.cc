/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/requests.hh"

#include "initiator/payload.hh"

#include <cstring>

namespace ofi_pmem
{

namespace
{

static_assert(kMaxRmaIov <= wire::kMaxAnnouncedRanges);
static_assert(kMaxRmaIov <= wire::kMaxAtomicRanges);

uint16_t atomic_flags(const PersistentOp &op) noexcept
{
	unsigned flags = op.atomic().fetch ? wire::kFetch : 0;
	if (op.options.fence)
		flags |= wire::kFence;
	if (op.level == Level::commit)
		flags |= wire::kFlush | wire::kCommit;
	return static_cast<uint16_t>(flags);
}

} // namespace

Posted post_write(RequestWindow *window, PersistentOp *op,
		  const wire::Range &part, uint16_t flags)
{
	if (!window->may_post())
		return Posted::no;
	auto message = window->make<wire::Write>(op->id, flags, part.length);
	message.token = part.token;
	message.offset = part.offset;
	Request request(wire::Type::write, op);
	request.fence = flags & wire::kFence;
	request.range = part;
	size_t offset = op->posting.iov_offset;
	if (window->sends_apart(message.header.length) && !op->options.inject) {
		iovec payload[kMaxIov];
		size_t count = refer_write(*op, offset, part.length, payload);
		window->send_long(message, payload, count, request);
		return Posted::yes;
	}
	gather_write(*op, offset, part.length, window->begin(message));
	window->send(request);
	return Posted::yes;
}

Posted post_read(RequestWindow *window, PersistentOp *op,
		 const wire::Range &part, uint16_t flags)
{
	if (!window->may_post())
		return Posted::no;
	auto message = window->make<wire::Read>(op->id, flags);
	message.token = part.token;
	message.offset = part.offset;
	message.length = static_cast<uint32_t>(part.length);
	window->begin(message);
	Request request(wire::Type::read, op);
	request.fence = flags & wire::kFence;
	request.fetches = true;
	request.range = part;
	request.iov_offset = op->posting.iov_offset;
	window->send(request);
	return Posted::yes;
}

Posted post_atomic(RequestWindow *window, PersistentOp *op)
{
	if (!window->may_post())
		return Posted::no;
	const AtomicPayload &atomic = op->atomic();
	OperandLengths operands = operand_lengths(*op);
	size_t ranges = op->range_count * sizeof(wire::Range);
	auto message = window->make<wire::Atomic>(op->id, atomic_flags(*op),
						  ranges + operands.total());
	message.datatype = atomic.datatype;
	message.op = atomic.op;
	message.range_count = static_cast<uint16_t>(op->range_count);
	uint8_t *body = window->begin(message);
	std::memcpy(body, op->ranges, ranges);
	gather_operands(*op, operands, body + ranges);
	Request request(wire::Type::atomic, op);
	request.fence = op->options.fence;
	request.fetches = atomic.fetch;
	request.range.length = op->len;
	window->send(request);
	return Posted::yes;
}

Posted post_announcement(RequestWindow *window, PersistentOp *op)
{
	if (!window->may_post())
		return Posted::no;
	size_t ranges = op->range_count * sizeof(wire::Range);
	auto message = window->make<wire::Announce>(op->id, 0, ranges);
	message.cq_data = op->write().cq_data;
	std::memcpy(window->begin(message), op->ranges, ranges);
	window->send(Request(wire::Type::announce, op));
	return Posted::yes;
}

Posted post_resolve(RequestWindow *window, uint64_t token)
{
	if (!window->may_post())
		return Posted::no;
	auto message = window->make<wire::Resolve>(0);
	message.token = token;
	window->begin(message);
	Request request(wire::Type::resolve);
	request.range.token = token;
	window->send(request);
	return Posted::yes;
}

} // namespace ofi_pmem
