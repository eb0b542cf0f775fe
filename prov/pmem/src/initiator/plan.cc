/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/plan.hh"

#include "core/log.hh"
#include "core/params.hh"
#include "initiator/region_cache.hh"

#include <cinttypes>

namespace ofi_pmem
{

namespace
{

static_assert(kMaxIov <= kMaxOneSidedBuffers);

/* Looks up the buffers, from the first on, until a descriptor is unknown. */
void look_up_registered(PersistentOp *op, LocalMemory *memory)
{
	while (op->local_memory.size() < op->local.count()) {
		size_t index = op->local_memory.size();
		auto found = memory->find(op->desc[index],
					  op->local.iov()[index], op->writes);
		if (!found)
			return;
		op->local_memory.push_back(std::move(found));
	}
}

} // namespace

Plan::Plan(const PersistentOp &op, const TransportTraits &traits,
	   const NicQueue &nic) noexcept
{
	add_transfers(op, traits);
	transfers_ = count_;
	if (op.writes && op.level != Level::transmit && !op.checks_itself())
		add_settling(op, nic);
}

void Plan::add_transfers(const PersistentOp &op,
			 const TransportTraits &traits) noexcept
{
	size_t offset = 0;
	for (size_t i = 0; i < op.range_count; i++) {
		const wire::Range &range = op.ranges[i];
		if (!range.length)
			continue;
		const RemoteRegion &region = *op.regions[i];
		auto kind = op.writes ? OneSided::Kind::write
				      : OneSided::Kind::read;
		add_parts(op.local, offset,
			  region.operation(kind, range.offset, range.length),
			  traits.max_buffers);
		offset += range.length;
	}
}

/*
 * Adds one range, whose local bytes begin at `offset`. It becomes several
 * operations if it needs more than `max_buffers` buffers.
 */
void Plan::add_parts(const Buffers &local, size_t offset, const OneSided &range,
		     size_t max_buffers) noexcept
{
	OneSided next = range;
	next.len = 0;
	local.for_each_part(offset, range.len,
			    [&](size_t index, uint8_t *base, size_t part) {
				    if (next.iov_count == max_buffers) {
					    add(next);
					    next.addr += next.len;
					    next.len = 0;
					    next.iov_count = 0;
				    }
				    if (!next.iov_count) {
					    next.iov = &iov_[pieces_];
					    next.desc = &desc_[pieces_];
				    }
				    iov_[pieces_] = {base, part};
				    buffer_[pieces_++] = index;
				    next.iov_count++;
				    next.len += part;
			    });
	add(next);
}

/* Adds what the NIC does behind the transfers of a write. */
void Plan::add_settling(const PersistentOp &op, const NicQueue &nic) noexcept
{
	FlushList flushes{chain_.data(), chain_.size() - 1, count_};
	for (size_t i = 0; i < op.range_count; i++) {
		wire::Range range = op.ranges[i];
		const RemoteRegion &region = *op.regions[i];
		if (range.length &&
		    !region.settling->flush(region, flush_kind(op.level),
					    &range, &flushes))
			whole_ = false;
	}
	count_ = flushes.count;
	if (flushes.read)
		add(nic.read_behind(*flushes.read));
}

/*
 * The transport needs to know nothing about local buffers that it sends inline.
 * Otherwise they are in memory that the application registered, or a small
 * write is copied into a message buffer, or they are registered until the
 * operation finishes.
 */
int Plan::describe_locally(PersistentOp *op, Connection *connection)
{
	const Transport &transport = connection->transport();
	const TransportTraits &traits = transport.traits();
	if (!traits.needs_local_memory)
		return 0;
	if (op->writes && op->len <= traits.inline_bytes)
		return 0;
	look_up_registered(op, &connection->initiator().local_memory());
	bool copy = op->local_memory.size() < op->local.count() && op->writes &&
		    op->len <= wire::kMaxMessage &&
		    count_ <= traits.max_chain && !op->posting.chain &&
		    connection->link().free_sends() > wire::kMaxCredits;
	if (!copy)
		return register_locally(op, transport);
	copy_locally(*op, &connection->link());
	return 0;
}

void Plan::copy_locally(const PersistentOp &op, Link *link)
{
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA,
			   "op %" PRIu64 " copied: a descriptor is unknown",
			   op.id);
	uint16_t slot = link->borrow();
	borrowed_ = slot;
	uint8_t *next = link->borrowed(slot);
	op.local.gather(0, next, op.len);
	for (size_t i = 0; i < transfers_; i++) {
		iov_[i] = {next, chain_[i].len};
		desc_[i] = link->borrowed_desc();
		chain_[i].iov = &iov_[i];
		chain_[i].desc = &desc_[i];
		chain_[i].iov_count = 1;
		next += chain_[i].len;
	}
}

int Plan::register_locally(PersistentOp *op, const Transport &transport)
{
	uint64_t access = op->writes ? FI_WRITE : FI_READ;
	while (op->local_memory.size() < op->local.count()) {
		const iovec &buffer = op->local.iov()[op->local_memory.size()];
		std::unique_ptr<LinkMemory> memory;
		int ret = 0;
		if (buffer.iov_len)
			ret = transport.register_memory(buffer.iov_base,
							buffer.iov_len, access,
							false, &memory);
		if (ret)
			return ret;
		op->local_memory.push_back(std::move(memory));
	}
	for (size_t i = 0; i < pieces_; i++)
		desc_[i] = op->local_memory[buffer_[i]]->desc;
	return 0;
}

} // namespace ofi_pmem
