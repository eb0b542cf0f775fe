/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/nic_queue.hh"

#include "initiator/dirty_ranges.hh"
#include "initiator/region_cache.hh"

#include <algorithm>
#include <utility>

namespace ofi_pmem
{

namespace
{

bool share_lines(const PersistentOp &a, const PersistentOp &b) noexcept
{
	for (size_t i = 0; i < a.range_count; i++) {
		wire::Range wide = with_neighbors(a.ranges[i]);
		for (size_t j = 0; j < b.range_count; j++) {
			if (overlap(wide, b.ranges[j]))
				return true;
		}
	}
	return false;
}

bool share_bytes(const PersistentOp &a, const PersistentOp &b) noexcept
{
	for (size_t i = 0; i < a.range_count; i++) {
		for (size_t j = 0; j < b.range_count; j++) {
			if (overlap(a.ranges[i], b.ranges[j]))
				return true;
		}
	}
	return false;
}

} // namespace

void NicQueue::open()
{
	Link &link = connection_->link();
	uint16_t scratch = link.borrow();
	scratch_iov_ = {link.borrowed(scratch), 1};
	scratch_desc_ = link.borrowed_desc();
}

int NicQueue::post(PersistentOp *op, const OneSided *chain, size_t count,
		   int borrowed)
{
	if (in_flight_ == chains_.size())
		return -FI_EAGAIN;
	uint16_t slot = 0;
	while (chains_[slot].posted)
		slot++;
	int ret = connection_->link().post_chain(chain, count, slot);
	if (ret)
		return ret;
	bool nic = !op || op->is_drain() || (op->writes && op->nic_settles());
	chains_[slot] = {true, op, borrowed, nic, stall_->next()};
	in_flight_++;
	nic_ += nic;
	if (op)
		op->unfinished++;
	connection_->initiator().watch();
	return 0;
}

Posted NicQueue::posted(PersistentOp *op, int ret)
{
	if (ret == -FI_EAGAIN)
		return Posted::no;
	if (ret && op)
		op->fail({-ret, Cause::inner_provider});
	connection_->posted(ret);
	return Posted::yes;
}

OneSided NicQueue::read_behind(const RemoteRegion &region) const noexcept
{
	OneSided read = region.operation(OneSided::Kind::read, 0, 1);
	read.iov = &scratch_iov_;
	read.desc = &scratch_desc_;
	read.iov_count = 1;
	return read;
}

NicQueue::Chain NicQueue::take(Chain *chain) noexcept
{
	in_flight_--;
	nic_ -= chain->nic;
	return std::exchange(*chain, Chain{});
}

bool NicQueue::complete(uint16_t slot, Chain *done)
{
	if (slot >= chains_.size() || !chains_[slot].posted)
		return false;
	*done = take(&chains_[slot]);
	Link &link = connection_->link();
	link.chain_done(slot);
	if (done->borrowed >= 0)
		link.give_back(static_cast<uint16_t>(done->borrowed));
	return true;
}

bool NicQueue::take_lost(Chain *lost) noexcept
{
	for (Chain &chain : chains_) {
		if (chain.posted) {
			*lost = take(&chain);
			return true;
		}
	}
	return false;
}

bool NicQueue::is_spoiled_by(const PersistentOp &op) const noexcept
{
	if (!nic_ || op.posting.route != Route::request || !op.writes ||
	    op.selects())
		return false;
	for (const Chain &chain : chains_) {
		const PersistentOp *earlier = chain.op;
		if (!chain.posted || !chain.nic || earlier == &op)
			continue;
		/* A drain has forgotten which ranges it flushes. */
		if (!earlier || earlier->is_drain() || earlier->selects())
			return true;
		if (earlier->level == Level::commit &&
		    share_lines(*earlier, op))
			return true;
	}
	return false;
}

bool NicQueue::delays(const PersistentOp &op) const noexcept
{
	bool fence = op.options.fence;
	if (!in_flight_ || !(op.writes || fence))
		return false;
	for (const Chain &chain : chains_) {
		const PersistentOp *earlier = chain.op;
		if (!chain.posted || !earlier || earlier->writes)
			continue;
		if ((fence && earlier != &op) || share_bytes(*earlier, op))
			return true;
	}
	return false;
}

uint64_t NicQueue::oldest() const noexcept
{
	uint64_t oldest = StallWatch::kNone;
	for (const Chain &chain : chains_) {
		if (chain.posted)
			oldest = std::min(oldest, chain.number);
	}
	return oldest;
}

} // namespace ofi_pmem
