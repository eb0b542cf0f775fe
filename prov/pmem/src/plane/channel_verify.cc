/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Verifications: the target digests what is durable, only digests travel. Of
 * an operation with many blocks each request has as many as fit. Checked
 * operations (FI_PMEM_VERIFY) have the target compare instead, with digests of
 * what was written.
 */
#include <algorithm>
#include <cstring>

#include "core/key.hh"
#include "core/log.hh"
#include "core/params.hh"
#include "plane/channel.hh"
#include "plane/initiator.hh"

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

/* Of the blocks that a checked write leaves, and of those it changes. */
void Channel::note_expected(PersistentOp *op)
{
	if (op->checks_earlier())
		take_earlier(op);
	if (!op->write || op->flush != FlushScope::none)
		return;
	for (size_t i = 0; i < op->range_count; i++) {
		if (op->ranges[i].length)
			expected_.forget(op->ranges[i]);
	}
	if (!op->checked || op->level == Level::commit)
		return;
	if (!expected_.has_room(op->expected.size())) {
		op->level = Level::commit;
		return;
	}
	expected_.add(std::move(op->expected));
	op->expected.clear();
}

/* Before its own blocks. */
void Channel::take_earlier(PersistentOp *op)
{
	std::vector<ExpectedBlock> earlier;
	if (!op->selects())
		expected_.take_all(&earlier);
	else
		for (size_t i = 0; i < op->range_count; i++)
			expected_.take(op->ranges[i], &earlier);
	for (const ExpectedBlock &block : earlier)
		op->earlier_bytes += block.range.length;
	op->earlier_blocks = earlier.size();
	op->expected.insert(op->expected.begin(), earlier.begin(),
			    earlier.end());
}

int Channel::expect(PersistentOp *op)
{
	size_t offset = 0;
	for (size_t i = 0; i < op->range_count; i++) {
		const wire::Range &range = op->ranges[i];
		if (std::any_of(op->ranges, op->ranges + i,
				[&](const auto &earlier) {
					return overlap(earlier, range);
				})) {
			PMEM_WARN(FI_LOG_EP_DATA,
				  "FI_PMEM_VERIFY of ranges that overlap: each "
				  "byte must be written once");
			return -FI_EINVAL;
		}
		int ret = expect_range(op, range, offset);
		if (ret)
			return ret;
		offset += range.length;
	}
	return 0;
}

/* The local bytes begin at `offset`. */
int Channel::expect_range(PersistentOp *op, const wire::Range &range,
			  size_t offset)
{
	DigestAlgorithm algorithm = known_region(range.token)->check_by;
	DigestEngine *engine = initiator_->digest_engine(algorithm);
	if (!engine)
		return -FI_ENOMEM;
	uint64_t len = 0;
	for (uint64_t done = 0; done < range.length; done += len) {
		len = std::min<uint64_t>(params().verify_block,
					 range.length - done);
		op->local.for_each_part(
			offset + done, len,
			[&](size_t, const uint8_t *base, size_t part) {
				engine->update(base, part);
			});
		Digest digest = engine->finish();
		if (!digest.length)
			return -FI_EIO; /* the library failed */
		op->expected.push_back({{range.token, range.offset + done, len},
					algorithm,
					digest});
	}
	return 0;
}

/* Of what is expected, up to the block `end`. */
bool Channel::post_comparison(PersistentOp *op, size_t end)
{
	while (op->blocks_posted < end) {
		if (!may_request())
			return false;
		auto first = op->expected.begin() +
			     static_cast<ptrdiff_t>(op->blocks_posted);
		size_t most =
			std::min(wire::kMaxBlocks, end - op->blocks_posted);
		auto last = std::find_if(
			first, first + static_cast<ptrdiff_t>(most),
			[&](const ExpectedBlock &block) {
				return block.algorithm != first->algorithm;
			});
		send_comparison(op, static_cast<size_t>(last - first));
	}
	return true;
}

/* The next blocks, which have one algorithm. */
void Channel::send_comparison(PersistentOp *op, size_t count)
{
	const ExpectedBlock *blocks = &op->expected[op->blocks_posted];
	size_t each = blocks->digest.length;
	size_t payload = count * (sizeof(wire::Range) + each);
	auto message =
		wire::make<wire::Verify>(next_sequence_, op->id, 0, payload);
	message.algorithm = static_cast<uint8_t>(blocks->algorithm);
	message.compare = 1;
	message.count = static_cast<uint16_t>(count);

	uint8_t *ranges = link_->begin(sizeof(message) + payload);
	std::memcpy(ranges, &message, sizeof(message));
	ranges += sizeof(message);
	uint8_t *digests = ranges + count * sizeof(wire::Range);
	for (size_t i = 0; i < count; i++) {
		std::memcpy(ranges + i * sizeof(wire::Range), &blocks[i].range,
			    sizeof(wire::Range));
		std::memcpy(digests + i * each, blocks[i].digest.bytes.data(),
			    each);
	}
	int ret = link_->send();
	Request request;
	request.type = wire::Type::verify;
	request.op = op;
	request.compares = true;
	request.first_block = op->blocks_posted;
	request.blocks = count;
	sent_request(request);
	op->blocks_posted += count;
	broken(ret);
}

bool Channel::touches_expected(const Request &earlier,
			       const wire::Range &range) noexcept
{
	const ExpectedBlock *first = &earlier.op->expected[earlier.first_block];
	return std::any_of(first, first + earlier.blocks,
			   [&](const ExpectedBlock &block) {
				   return overlap(block.range, range);
			   });
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
	if (asked.type != wire::Type::verify ||
	    answer.digests != (asked.compares ? 0 : asked.blocks))
		return false;
	size_t each = digest_length(asked.op->verify.digest);
	size_t digests = answer.digests * each;
	if (len !=
	    sizeof(answer) + digests + answer.bad * sizeof(wire::BadBlock))
		return false;
	const uint8_t *body = bytes + sizeof(answer);
	if (!take_bad_blocks(asked, body + digests, answer.bad))
		return false;
	if (digests)
		std::memcpy(asked.op->verify.digests + asked.first_block * each,
			    body, digests);
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
	for (const wire::BadBlock &one : bad) {
		size_t index = asked.first_block + one.index;
		op.bad_blocks.push_back(describe(
			asked.compares ? op.expected[index]
				       : ExpectedBlock{block_of(op, index),
						       op.verify.digest,
						       {}},
			one));
	}
	if (count)
		op.fail({FI_EIO, Cause::bad_blocks});
	return true;
}

/* Of a verification, the blocks of which are counted range by range. */
wire::Range Channel::block_of(const PersistentOp &op, size_t index) noexcept
{
	const wire::Range *range = op.ranges;
	auto blocks_of = [&](const wire::Range &one) {
		uint64_t full = op.block_length(one.length);
		return (one.length - 1) / full + 1;
	};
	for (; index >= blocks_of(*range); range++)
		index -= blocks_of(*range);
	uint64_t offset = index * op.block_length(range->length);
	return {range->token, range->offset + offset,
		op.block_length(range->length - offset)};
}

/*
 * As the application addresses it; its region may be closed meanwhile. What a
 * verification is to find out cannot differ, but be unreadable.
 */
fi_pmem_bad_block Channel::describe(const ExpectedBlock &block,
				    const wire::BadBlock &bad) const
{
	const RemoteRegion *region = known_region(block.range.token);
	fi_pmem_bad_block described{};
	described.addr = (region ? region->info.base : 0) + block.range.offset;
	described.key = Key(peer_.port(), block.range.token).value();
	described.length = block.range.length;
	bool differs = !bad.status && block.digest.length;
	described.reason =
		differs ? FI_PMEM_BAD_DIFFERS : FI_PMEM_BAD_UNREADABLE;
	described.digest = static_cast<fi_pmem_digest>(block.algorithm);
	std::copy(block.digest.bytes.begin(), block.digest.bytes.end(),
		  described.expected);
	if (differs)
		std::copy_n(bad.found, block.digest.length, described.found);
	return described;
}

} // namespace ofi_pmem
