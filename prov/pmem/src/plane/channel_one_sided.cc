/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One-sided operations, and what the NIC does to make them durable: a chain of
 * transfers, followed in the same send queue by what each region's method
 * needs. Posted operations (WRITE, messages) may be placed before a FLUSH in
 * front of them is done; FLUSH, READ and ATOMIC WRITE are executed in order.
 */
#include <algorithm>
#include <cinttypes>

#include "core/log.hh"
#include "core/params.hh"
#include "plane/channel.hh"
#include "plane/channel_table.hh"
#include "plane/initiator.hh"

namespace ofi_pmem
{

namespace
{

static_assert(kMaxIov <= kMaxOneSidedBuffers);

} // namespace

/* The chain of one operation, with its local buffers. */
struct Channel::Plan {
	/* A transfer of each piece, a flush of each range, and one READ. */
	std::array<OneSided, kMaxIov + 2 * kMaxRmaIov + 1> chain;
	size_t count = 0;
	size_t transfers = 0;
	/* A buffer that two ranges share is in two pieces. */
	std::array<iovec, kMaxIov + kMaxRmaIov> iov;
	std::array<void *, kMaxIov + kMaxRmaIov> desc{};
	std::array<size_t, kMaxIov + kMaxRmaIov> buffer; /* of the operation */
	size_t pieces = 0;
	int borrowed = -1; /* the message buffer that holds the data */

	void add(const OneSided &operation) { chain[count++] = operation; }

	/*
	 * One range, whose local bytes begin at `offset`: as many operations
	 * as a limit of `max_buffers` for each makes of it.
	 */
	void add_transfers(const Buffers &local, size_t offset,
			   const OneSided &range, size_t max_buffers)
	{
		OneSided next = range;
		next.len = 0;
		local.for_each_part(
			offset, range.len,
			[&](size_t index, uint8_t *base, size_t part) {
				if (next.iov_count == max_buffers) {
					add(next);
					next.addr += next.len;
					next.len = 0;
					next.iov_count = 0;
				}
				if (!next.iov_count) {
					next.iov = &iov[pieces];
					next.desc = &desc[pieces];
				}
				iov[pieces] = {base, part};
				buffer[pieces++] = index;
				next.iov_count++;
				next.len += part;
			});
		add(next);
	}
};

const RemoteRegion *Channel::known_region(uint64_t token) const noexcept
{
	auto region = regions_.find(token);
	if (region == regions_.end() ||
	    region->second.state != RemoteRegion::State::known)
		return nullptr;
	return &region->second;
}

Method Channel::method_of(const wire::Range &range) const noexcept
{
	const RemoteRegion *region = known_region(range.token);
	return region ? region->method : Method::message;
}

bool Channel::by_nic(const PersistentOp &op) const noexcept
{
	if (op.checks_itself())
		return false;
	return std::any_of(op.ranges, op.ranges + op.range_count,
			   [&](const wire::Range &range) {
				   return method_of(range) != Method::message;
			   });
}

/*
 * WRITE..., FLUSH, ATOMIC WRITE, FLUSH without a pause (IBA memory placement
 * extensions): if all that the fence stands for is in this send queue.
 */
bool Channel::orders_natively(const PersistentOp &op) const noexcept
{
	if (!op.write || op.atomic || !op.is_drain() || op.checked ||
	    op.len != kAtomicWriteBytes || op.range_count != 1)
		return false;
	const RemoteRegion *region = known_region(op.ranges[0].token);
	if (!region || !region->native_order)
		return false;
	uint64_t addr = region->info.lower_base + op.ranges[0].offset;
	return addr % kAtomicWriteBytes == 0 && all_answered() && !requested_ &&
	       dirty_.empty() && !spilled_;
}

bool Channel::post_ordered(PersistentOp *op)
{
	const RemoteRegion *region = known_region(op->ranges[0].token);
	if (!region) {
		op->fail({FI_ENOKEY, Cause::unknown_key});
		return true;
	}
	uint64_t word = 0;
	op->local.gather(0, reinterpret_cast<uint8_t *>(&word), sizeof(word));
	iovec payload{&word, sizeof(word)};
	uint64_t offset = op->ranges[0].offset;
	OneSided tail[2] = {region->operation(OneSided::Kind::atomic_write,
					      offset, kAtomicWriteBytes),
			    region->operation(OneSided::Kind::flush_persistent,
					      offset, kAtomicWriteBytes)};
	tail[0].iov = &payload;
	tail[0].iov_count = 1;
	if (!post_nic_drain(op, tail, 2))
		return false;
	fencing_ = op;
	return true;
}

bool Channel::post_one_sided(PersistentOp *op)
{
	if (!op->chain_index && !note_unflushed(op))
		return false;
	Plan plan;
	if (!plan_transfers(*op, &plan)) {
		/* A region was closed since the operation was accepted. */
		op->fail({FI_ENOKEY, Cause::unknown_key});
		if (op->write)
			writes_lost();
		return true;
	}
	plan_settling(*op, &plan);
	if (op->chain_index < plan.count) {
		int ret = describe_locally(op, &plan);
		if (ret) {
			op->fail({-ret, Cause::local_memory});
			if (op->write)
				writes_lost();
			return true;
		}
		if (!post_plan(op, plan))
			return false;
	}
	return op->failure || post_settling_request(op);
}

/* What a later fenced commit must flush of a write that does not commit. */
bool Channel::note_unflushed(PersistentOp *op)
{
	if (!op->write || op->level == Level::commit)
		return true;
	bool noted = true;
	for (size_t i = 0; i < op->range_count; i++) {
		const wire::Range &range = op->ranges[i];
		switch (method_of(range)) {
		case Method::message:
			if (!remember_dirty(&range, 1))
				return false;
			break;
		case Method::read:
			/* There the service's answer shows the placement. */
			if (initiator_->transport().traits().visible_writes) {
				requested_ = true;
				break;
			}
			noted = nic_dirty_.add(range) && noted;
			break;
		case Method::native:
			noted = nic_dirty_.add(range) && noted;
			break;
		case Method::ack:
			break; /* durable when it completes */
		}
	}
	/* A drain that is half posted does not cover this write. */
	drain_ = {};
	/* No room for so many regions: it is made durable at once. */
	if (!noted)
		op->level = Level::commit;
	return true;
}

/* False when a region is not known any more. */
bool Channel::plan_transfers(const PersistentOp &op, Plan *plan) const
{
	bool visible = op.write && op.level != Level::transmit &&
		       initiator_->transport().traits().visible_writes;
	size_t max_buffers = initiator_->transport().traits().max_buffers;
	size_t offset = 0;
	for (size_t i = 0; i < op.range_count; i++) {
		const wire::Range &range = op.ranges[i];
		const RemoteRegion *region = known_region(range.token);
		if (!region)
			return false;
		if (!range.length)
			continue;
		OneSided transfer = region->operation(
			OneSided::Kind::read, range.offset, range.length);
		if (op.write)
			transfer.kind =
				visible && region->method == Method::read
					? OneSided::Kind::write_visible
					: OneSided::Kind::write;
		plan->add_transfers(op.local, offset, transfer, max_buffers);
		offset += range.length;
	}
	plan->transfers = plan->count;
	return true;
}

/* What the NIC does behind the transfers of a write. */
void Channel::plan_settling(const PersistentOp &op, Plan *plan) const
{
	if (!op.write || op.level == Level::transmit || op.checks_itself())
		return;
	auto kind = op.level == Level::commit ? OneSided::Kind::flush_persistent
					      : OneSided::Kind::flush_visible;
	const RemoteRegion *read = nullptr;
	for (size_t i = 0; i < op.range_count; i++) {
		const wire::Range &range = op.ranges[i];
		const RemoteRegion *region = known_region(range.token);
		if (!range.length)
			continue;
		if (region->method == Method::native)
			plan->add(region->operation(kind, range.offset,
						    range.length));
		if (region->method == Method::read)
			read = region;
	}
	if (read && !initiator_->transport().traits().visible_writes)
		plan->add(read_behind(*read));
}

/* Behind writes on the same queue pair; where it reads does not matter. */
OneSided Channel::read_behind(const RemoteRegion &region) const noexcept
{
	OneSided read = region.operation(OneSided::Kind::read, 0, 1);
	read.iov = &scratch_iov_;
	read.desc = &scratch_desc_;
	read.iov_count = 1;
	return read;
}

/*
 * What the channel's transport needs to know of local buffers: nothing when it
 * sends them inline. Else they are in memory that the application registered,
 * or a small write is copied into a message buffer, or they are registered
 * until the operation finishes.
 */
int Channel::describe_locally(PersistentOp *op, Plan *plan)
{
	const TransportTraits &traits = initiator_->transport().traits();
	if (!traits.needs_local_memory)
		return 0;
	if (op->write && op->len <= traits.inline_bytes)
		return 0;
	look_up_registered(op);
	bool copy = op->local_memory.size() < op->local.count() && op->write &&
		    op->len <= wire::kMaxMessage &&
		    plan->count <= traits.max_chain && !op->chain_index &&
		    link_->free_sends() > wire::kMaxCredits;
	if (!copy)
		return register_locally(op, plan);
	copy_locally(*op, plan);
	return 0;
}

/* As many of the buffers, from the first, as are known by their descriptors. */
void Channel::look_up_registered(PersistentOp *op) const
{
	while (op->local_memory.size() < op->local.count()) {
		size_t index = op->local_memory.size();
		auto memory = initiator_->local_memory().find(
			op->desc[index], op->local.iov()[index], op->write);
		if (!memory)
			return;
		op->local_memory.push_back(std::move(memory));
	}
}

void Channel::copy_locally(const PersistentOp &op, Plan *plan)
{
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA,
			   "op %" PRIu64 " copied: no descriptor of ours",
			   op.id);
	uint16_t slot = link_->borrow();
	plan->borrowed = slot;
	uint8_t *next = link_->borrowed(slot);
	op.local.gather(0, next, op.len);
	for (size_t i = 0; i < plan->transfers; i++) {
		plan->iov[i] = {next, plan->chain[i].len};
		plan->desc[i] = link_->borrowed_desc();
		plan->chain[i].iov = &plan->iov[i];
		plan->chain[i].desc = &plan->desc[i];
		plan->chain[i].iov_count = 1;
		next += plan->chain[i].len;
	}
}

int Channel::register_locally(PersistentOp *op, Plan *plan)
{
	uint64_t access = op->write ? FI_WRITE : FI_READ;
	while (op->local_memory.size() < op->local.count()) {
		const iovec &buffer = op->local.iov()[op->local_memory.size()];
		std::unique_ptr<LinkMemory> memory;
		int ret = 0;
		if (buffer.iov_len)
			ret = initiator_->transport().register_memory(
				buffer.iov_base, buffer.iov_len, access, false,
				&memory);
		if (ret)
			return ret;
		op->local_memory.push_back(std::move(memory));
	}
	for (size_t i = 0; i < plan->pieces; i++)
		plan->desc[i] = op->local_memory[plan->buffer[i]]->desc;
	return 0;
}

bool Channel::post_plan(PersistentOp *op, const Plan &plan)
{
	size_t most = initiator_->transport().traits().max_chain;
	while (op->chain_index < plan.count) {
		size_t count = std::min(most, plan.count - op->chain_index);
		int ret = post_chain(op, &plan.chain[op->chain_index], count,
				     plan.borrowed);
		if (ret && plan.borrowed >= 0)
			link_->give_back(static_cast<uint16_t>(plan.borrowed));
		if (ret == -FI_EAGAIN)
			return false;
		if (ret) {
			not_posted(op, ret);
			return true;
		}
		op->chain_index += count;
	}
	if (op->write)
		unseen_ = true;
	return true;
}

/* What the service does for the ranges that the NIC does nothing for. */
bool Channel::post_settling_request(PersistentOp *op)
{
	if (!op->write || op->level == Level::transmit)
		return true;
	wire::Range ranges[kMaxRmaIov];
	size_t count = 0;
	bool unseen = false;
	for (size_t i = 0; i < op->range_count; i++) {
		Method method = op->checks_itself() ? Method::message
						    : method_of(op->ranges[i]);
		if (method == Method::message)
			ranges[count++] = op->ranges[i];
		/* An ack may precede placement. */
		if (method == Method::message || method == Method::ack)
			unseen = true;
	}
	if (op->level == Level::commit)
		return !count || post_flush(op, ranges, count, wire::kCommit);
	/* The answer shows that the data has arrived. */
	return !unseen || post_flush(op, nullptr, 0, 0);
}

int Channel::post_chain(PersistentOp *op, const OneSided *chain, size_t count,
			int borrowed)
{
	if (chains_in_flight_ == kMaxChains)
		return -FI_EAGAIN;
	uint16_t slot = 0;
	while (chains_[slot].posted)
		slot++;
	int ret = link_->post_chain(chain, count, slot);
	if (ret)
		return ret;
	chains_[slot] = {true, op, borrowed,
			 !op || op->is_drain() || (op->write && by_nic(*op)),
			 ++posted_};
	initiator_->watch();
	chains_in_flight_++;
	nic_chains_ += chains_[slot].nic;
	if (op)
		op->unfinished++;
	return 0;
}

void Channel::forget_chain(uint16_t slot)
{
	Chain done = chains_[slot];
	chains_[slot] = Chain{};
	chains_in_flight_--;
	nic_chains_ -= done.nic;
	if (!link_)
		return;
	link_->chain_done(slot);
	if (done.borrowed >= 0)
		link_->give_back(static_cast<uint16_t>(done.borrowed));
}

} // namespace ofi_pmem
