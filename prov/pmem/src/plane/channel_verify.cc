/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Verifications: the target digests what is durable, only digests travel. Of
 * an operation with many blocks each request has as many as fit.
 */
#include <cstring>

#include "core/key.hh"
#include "plane/channel.hh"

namespace ofi_pmem
{

/* As many as one request takes, from where the operation has come to. */
size_t Channel::next_blocks(PersistentOp *op, wire::Range *blocks)
{
	size_t count = 0;
	while (count < wire::kMaxBlocks && op->range_index < op->range_count) {
		const wire::Range &range = op->ranges[op->range_index];
		uint64_t len =
			op->block_length(range.length - op->range_offset);
		blocks[count++] = {range.token, range.offset + op->range_offset,
				   len};
		op->range_offset += len;
		if (op->range_offset == range.length) {
			op->range_index++;
			op->range_offset = 0;
		}
	}
	return count;
}

bool Channel::post_verify(PersistentOp *op)
{
	while (op->range_index < op->range_count) {
		if (!may_request())
			return false;
		wire::Range blocks[wire::kMaxBlocks];
		size_t count = next_blocks(op, blocks);
		size_t payload = count * sizeof(wire::Range);
		auto message = wire::make<wire::Verify>(next_sequence_, op->id,
							0, payload);
		message.algorithm = static_cast<uint8_t>(op->verify.digest);
		message.count = static_cast<uint16_t>(count);
		int ret = link_->send_message(message, blocks, payload);
		Request request;
		request.type = wire::Type::verify;
		request.op = op;
		request.first_block = op->blocks_posted;
		request.blocks = count;
		sent_request(request);
		op->blocks_posted += count;
		broken(ret);
	}
	return true;
}

bool Channel::on_verified(const uint8_t *bytes, size_t len)
{
	wire::Verified answer;
	if (!wire::parse(bytes, len, &answer))
		return false;
	uint64_t sequence = answer.header.sequence;
	if (!awaits(sequence))
		return false;
	const Request &asked = request(sequence);
	if (asked.type != wire::Type::verify || answer.digests != asked.blocks)
		return false;
	size_t each = digest_length(asked.op->verify.digest);
	size_t digests = answer.digests * each;
	if (len !=
	    sizeof(answer) + digests + answer.bad * sizeof(wire::BadBlock))
		return false;
	const uint8_t *body = bytes + sizeof(answer);
	if (!take_bad_blocks(asked, body + digests, answer.bad))
		return false;
	std::memcpy(asked.op->verify.digests + asked.first_block * each, body,
		    digests);
	return settle_until(sequence, Failure{}, wire::Type::verified);
}

/* None is taken if they are not ascending and of this request. */
bool Channel::take_bad_blocks(const Request &asked, const uint8_t *bytes,
			      size_t count)
{
	std::vector<wire::BadBlock> bad(count);
	if (count)
		std::memcpy(bad.data(), bytes, count * sizeof(bad[0]));
	size_t next = 0;
	for (const wire::BadBlock &one : bad) {
		if (one.index < next || one.index >= asked.blocks)
			return false;
		next = one.index + size_t{1};
	}
	PersistentOp &op = *asked.op;
	for (const wire::BadBlock &one : bad)
		op.bad_blocks.push_back(
			unreadable(op, asked.first_block + one.index));
	if (count)
		op.fail({FI_EIO, Cause::bad_blocks});
	return true;
}

/* As the application addresses it; its region may be closed meanwhile. */
fi_pmem_bad_block Channel::unreadable(const PersistentOp &op,
				      size_t block) const
{
	const wire::Range *range = op.ranges;
	auto blocks_of = [&](const wire::Range &one) {
		uint64_t full = op.block_length(one.length);
		return (one.length - 1) / full + 1;
	};
	for (; block >= blocks_of(*range); range++)
		block -= blocks_of(*range);
	uint64_t offset = block * op.block_length(range->length);
	const RemoteRegion *region = known_region(range->token);
	fi_pmem_bad_block described{};
	described.addr =
		(region ? region->info.base : 0) + range->offset + offset;
	described.key = Key(peer_.port(), range->token).value();
	described.length = op.block_length(range->length - offset);
	described.reason = FI_PMEM_BAD_UNREADABLE;
	described.digest = static_cast<fi_pmem_digest>(op.verify.digest);
	return described;
}

} // namespace ofi_pmem
