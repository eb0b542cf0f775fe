/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/verification.hh"

#include "core/key.hh"
#include "core/log.hh"
#include "core/params.hh"

#include <algorithm>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/* Takes as many blocks as fit into one request, from the next one on. */
size_t next_blocks(PersistentOp *op, wire::Range *blocks)
{
	PersistentOp::Posting &at = op->posting;
	size_t count = 0;
	while (count < wire::kMaxBlocks && at.range < op->range_count) {
		const wire::Range &range = op->ranges[at.range];
		uint64_t len = op->verify().block_length(range.length -
							 at.range_offset);
		blocks[count++] = {range.token, range.offset + at.range_offset,
				   len};
		at.range_offset += len;
		if (at.range_offset == range.length) {
			at.range++;
			at.range_offset = 0;
		}
	}
	return count;
}

/* Finds a block of a verification; blocks are counted range by range. */
wire::Range block_of(const PersistentOp &op, size_t index) noexcept
{
	const VerifyPayload &verify = op.verify();
	const wire::Range *range = op.ranges;
	auto blocks_of = [&](const wire::Range &one) {
		uint64_t full = verify.block_length(one.length);
		return (one.length - 1) / full + 1;
	};
	for (; index >= blocks_of(*range); range++)
		index -= blocks_of(*range);
	uint64_t offset = index * verify.block_length(range->length);
	return {range->token, range->offset + offset,
		verify.block_length(range->length - offset)};
}

bool overlap_earlier(const PersistentOp &op, size_t index) noexcept
{
	return std::any_of(op.ranges, op.ranges + index,
			   [&](const wire::Range &earlier) {
				   return overlap(earlier, op.ranges[index]);
			   });
}

} // namespace

Posted Verification::post_verify(PersistentOp *op)
{
	while (op->posting.range < op->range_count) {
		if (!window_->may_post())
			return Posted::no;
		wire::Range blocks[wire::kMaxBlocks];
		size_t count = next_blocks(op, blocks);
		size_t payload = count * sizeof(wire::Range);
		auto message = window_->make<wire::Verify>(op->id, 0, payload);
		message.algorithm =
			static_cast<uint8_t>(op->verify().asked.digest);
		message.count = static_cast<uint16_t>(count);
		std::memcpy(window_->begin(message), blocks, payload);
		Request request(wire::Type::verify, op);
		request.first_block = op->posting.blocks;
		request.blocks = count;
		window_->send(request);
		op->posting.blocks += count;
	}
	return Posted::yes;
}

void Verification::start(PersistentOp *op)
{
	if (op->checks_earlier())
		take_earlier(op);
	if (!op->writes || op->is(OpKind::flush))
		return;
	for (size_t i = 0; i < op->range_count && expects(); i++) {
		if (op->ranges[i].length)
			expected_.forget(op->ranges[i]);
	}
	if (!op->options.checked || op->level == Level::commit)
		return;
	std::vector<ExpectedBlock> &blocks = op->checks.expected;
	if (!expected_.has_room(blocks.size())) {
		op->level = Level::commit;
		return;
	}
	expected_.add(std::move(blocks));
	blocks.clear();
}

/* They come before the operation's own blocks. */
void Verification::take_earlier(PersistentOp *op)
{
	std::vector<ExpectedBlock> earlier;
	if (!op->selects())
		expected_.take_all(&earlier);
	else
		for (size_t i = 0; i < op->range_count; i++)
			expected_.take(op->ranges[i], &earlier);
	PersistentOp::Checks &checks = op->checks;
	for (const ExpectedBlock &block : earlier)
		checks.earlier_bytes += block.range.length;
	checks.earlier_blocks = earlier.size();
	checks.expected.insert(checks.expected.begin(), earlier.begin(),
			       earlier.end());
}

int Verification::digest(PersistentOp *op)
{
	size_t offset = 0;
	for (size_t i = 0; i < op->range_count; i++) {
		if (overlap_earlier(*op, i)) {
			PMEM_WARN(FI_LOG_EP_DATA,
				  "FI_PMEM_VERIFY of ranges that overlap: each "
				  "byte must be written once");
			return -FI_EINVAL;
		}
		int ret = digest_range(op, i, offset);
		if (ret)
			return ret;
		offset += op->ranges[i].length;
	}
	return 0;
}

/* The local bytes of range `index` begin at `offset`. */
int Verification::digest_range(PersistentOp *op, size_t index, size_t offset)
{
	const wire::Range &range = op->ranges[index];
	DigestAlgorithm algorithm = op->regions[index]->check_by;
	DigestEngine *engine =
		connection_->initiator().digest_engine(algorithm);
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
		op->checks.expected.push_back(
			{{range.token, range.offset + done, len},
			 algorithm,
			 digest});
	}
	return 0;
}

Posted Verification::post_comparison(PersistentOp *op, size_t end)
{
	while (op->posting.blocks < end) {
		if (!window_->may_post())
			return Posted::no;
		auto first = op->checks.expected.begin() +
			     static_cast<ptrdiff_t>(op->posting.blocks);
		size_t most =
			std::min(wire::kMaxBlocks, end - op->posting.blocks);
		auto last = std::find_if(
			first, first + static_cast<ptrdiff_t>(most),
			[&](const ExpectedBlock &block) {
				return block.algorithm != first->algorithm;
			});
		send_comparison(op, static_cast<size_t>(last - first));
	}
	return Posted::yes;
}

/* Sends the next blocks, which have one algorithm. */
void Verification::send_comparison(PersistentOp *op, size_t count)
{
	const ExpectedBlock *blocks = &op->checks.expected[op->posting.blocks];
	size_t each = blocks->digest.length;
	auto message = window_->make<wire::Verify>(
		op->id, 0, count * (sizeof(wire::Range) + each));
	message.algorithm = static_cast<uint8_t>(blocks->algorithm);
	message.compare = 1;
	message.count = static_cast<uint16_t>(count);

	uint8_t *ranges = window_->begin(message);
	uint8_t *digests = ranges + count * sizeof(wire::Range);
	for (size_t i = 0; i < count; i++) {
		std::memcpy(ranges + i * sizeof(wire::Range), &blocks[i].range,
			    sizeof(wire::Range));
		std::memcpy(digests + i * each, blocks[i].digest.bytes.data(),
			    each);
	}
	Request request(wire::Type::verify, op);
	request.compares = true;
	request.first_block = op->posting.blocks;
	request.blocks = count;
	window_->send(request);
	op->posting.blocks += count;
}

bool Verification::take(const wire::Verified &answer, const uint8_t *body,
			size_t len)
{
	uint64_t sequence = answer.header.sequence;
	if (!window_->awaits(sequence))
		return false;
	const Request &asked = window_->at(sequence);
	if (asked.type != wire::Type::verify ||
	    answer.digests != (asked.compares ? 0 : asked.blocks))
		return false;
	size_t each = 0;
	if (!asked.compares)
		each = digest_length(asked.op->verify().asked.digest);
	size_t digests = answer.digests * each;
	if (len != digests + answer.bad * sizeof(wire::BadBlock))
		return false;
	if (!take_bad_blocks(asked, body + digests, answer.bad))
		return false;
	if (digests)
		std::memcpy(asked.op->verify().asked.digests +
				    asked.first_block * each,
			    body, digests);
	return true;
}

/* Takes none unless they ascend and belong to this request. */
bool Verification::take_bad_blocks(const Request &asked, const uint8_t *bytes,
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
			asked.compares ? op.checks.expected[index]
				       : ExpectedBlock{block_of(op, index),
						       op.verify().asked.digest,
						       {}},
			one));
	}
	if (count)
		op.fail({FI_EIO, Cause::bad_blocks});
	return true;
}

/*
 * Describes a block as the application addresses it; its region may have been
 * closed meanwhile. A block that a verification digests cannot differ, but it
 * can be unreadable.
 */
fi_pmem_bad_block Verification::describe(const ExpectedBlock &block,
					 const wire::BadBlock &bad) const
{
	const RemoteRegion *region = regions_->known(block.range.token);
	fi_pmem_bad_block described{};
	described.addr = (region ? region->info.base : 0) + block.range.offset;
	described.key =
		Key(connection_->peer().port(), block.range.token).value();
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
