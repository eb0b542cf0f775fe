/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The sending half of a channel: an atomic operation is one request, which the
 * service executes in its turn.
 */
#include <cstring>

#include "plane/channel.hh"

namespace ofi_pmem
{

namespace
{

static_assert(kMaxRmaIov <= wire::kMaxAtomicRanges);

uint16_t flags_of(const PersistentOp &op) noexcept
{
	unsigned flags = op.fetch ? wire::kFetch : 0;
	if (op.fence)
		flags |= wire::kFence;
	if (op.level == Level::commit)
		flags |= wire::kFlush | wire::kCommit;
	return static_cast<uint16_t>(flags);
}

size_t length_of(const Buffers &buffers) noexcept
{
	size_t len = 0;
	for (size_t i = 0; i < buffers.count(); i++)
		len += buffers.iov()[i].iov_len;
	return len;
}

} // namespace

bool Channel::post_atomic(PersistentOp *op)
{
	if (!op->len)
		return true; /* its place in the order was all it had */
	if (op->write && op->level != Level::commit &&
	    !remember_dirty(op->ranges, op->range_count))
		return false;
	if (!may_request())
		return false;
	size_t ranges_len = op->range_count * sizeof(wire::Range);
	size_t operands_len = length_of(op->local);
	size_t compare_len = length_of(op->compare);
	size_t payload = ranges_len + operands_len + compare_len;
	auto message = wire::make<wire::Atomic>(next_sequence_, op->id,
						flags_of(*op), payload);
	message.datatype = op->datatype;
	message.op = op->atomic_op;
	message.range_count = static_cast<uint16_t>(op->range_count);
	uint8_t *next = link_->begin(sizeof(message) + payload);
	std::memcpy(next, &message, sizeof(message));
	next += sizeof(message);
	std::memcpy(next, op->ranges, ranges_len);
	next += ranges_len;
	op->local.gather(0, next, operands_len);
	op->compare.gather(0, next + operands_len, compare_len);
	int ret = link_->send();
	Request request;
	request.type = wire::Type::atomic;
	request.fence = op->fence;
	request.fetches = op->fetch;
	request.op = op;
	request.range.length = op->len;
	sent_request(request);
	broken(ret);
	return true;
}

} // namespace ofi_pmem
