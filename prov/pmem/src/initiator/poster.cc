/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/poster.hh"

#include "core/log.hh"
#include "core/params.hh"
#include "initiator/payload.hh"
#include "initiator/requests.hh"

#include <algorithm>
#include <cinttypes>
#include <new>

namespace ofi_pmem
{

/*
 * An inject needs at most a flush of earlier writes, an early flush of dirty
 * ranges, an announcement, and one request for each range. Behind a drain by
 * the NIC it could be posted only when that is done.
 */
bool Poster::takes_inject(PersistentOp *op)
{
	/* Only the route is chosen here, because the rest of start() cannot be
	 * undone. */
	op->posting.route = parts_.order->route(*op);
	if (parts_.order->delays(*op))
		return false;
	if (op->is_drain() && op->posting.route != Route::ordered) {
		if (parts_.dirty->owes_nic())
			static_cast<void>(parts_.flusher->drain_nic(nullptr));
		if (parts_.nic->settles())
			return false;
	}
	size_t needed = 3 + op->range_count;
	return parts_.connection->link().free_sends() >= needed &&
	       parts_.window->room() >= needed;
}

void Poster::start(PersistentOp *op)
{
	if (op->posting.started)
		return;
	op->posting.started = true;
	parts_.verification->start(op);
	op->posting.route = parts_.order->route(*op);
	if (params().trace_write)
		PMEM_TRACE(FI_LOG_EP_DATA, "op %" PRIu64 " post %s len %zu",
			   op->id,
			   op->posting.route == Route::request ? "in a request"
							       : "one-sided",
			   op->len);
}

/* An operation that is queued has been accepted: it fails by a completion. */
Posted Poster::post(PersistentOp *op)
{
	try {
		return post_next(op);
	} catch (const std::bad_alloc &) {
		return give_up(op, {FI_ENOMEM, Cause::local_memory});
	}
}

Posted Poster::post_next(PersistentOp *op)
{
	PersistentOp::Posting &done = op->posting;
	start(op);
	if (parts_.order->delays(*op))
		return Posted::no;
	if (op->options.notify && !done.announced && op->len) {
		if (post_announcement(parts_.window, op) == Posted::no)
			return Posted::no;
		done.announced = true;
	}
	if (op->is(OpKind::verify))
		return parts_.verification->post_verify(op);
	if (!done.body && post_body(op) == Posted::no)
		return Posted::no;
	done.body = true;
	return parts_.verification->post_comparison(op,
						    op->checks.expected.size());
}

Posted Poster::post_body(PersistentOp *op)
{
	if (op->posting.route == Route::ordered)
		return post_ordered(op);
	if (op->selects())
		return parts_.flusher->flush_selected(op);
	/* Earlier data is flushed and compared first, so that nothing wrong is
	 * ever pointed to. */
	if (post_preamble(op) == Posted::no ||
	    parts_.verification->post_comparison(
		    op, op->checks.earlier_blocks) == Posted::no)
		return Posted::no;
	/* Posted operations may pass a FLUSH, so the FLUSH must be done before
	 * them. */
	if (op->is_drain() && op->len && op->unfinished)
		return Posted::no;
	if (op->is(OpKind::atomic))
		return post_atomically(op);
	return op->posting.route == Route::request ? post_requests(op)
						   : post_one_sided(op);
}

/* A fenced commit first sends the flush of the earlier writes. */
Posted Poster::post_preamble(PersistentOp *op)
{
	if (op->posting.preamble)
		return Posted::yes;
	Posted posted = Posted::yes;
	if (op->is_drain()) {
		if (op->options.checked)
			posted = parts_.flusher->leave_to_service();
		if (posted == Posted::yes)
			posted = post_drain(op);
	} else if (!op->len) {
		/* An operation of 0 bytes has nothing but its place in the
		 * order. */
		uint16_t flags = op->options.fence ? wire::kFence : 0;
		posted = parts_.flusher->post_flush(op, nullptr, 0, flags);
	}
	op->posting.preamble = posted == Posted::yes;
	return posted;
}

/* The NIC flushes what it wrote, and the service the rest. */
Posted Poster::post_drain(PersistentOp *op)
{
	if (parts_.flusher->drain_nic(op) == Posted::no)
		return Posted::no;
	bool by_service = parts_.dirty->owes_service();
	/*
	 * The service knows of requests that failed; and somebody must answer.
	 */
	if (!op->len && (parts_.dirty->requested() || !op->unfinished))
		by_service = true;
	if (by_service)
		return parts_.flusher->drain_service(op);
	if (!op->len)
		parts_.order->fence(op);
	return Posted::yes;
}

Posted Poster::post_ordered(PersistentOp *op)
{
	if (!op->regions_known()) {
		op->fail(kUnknownKey);
		return Posted::yes;
	}
	const RemoteRegion &region = *op->regions[0];
	uint64_t word = 0;
	gather_write(*op, 0, sizeof(word), reinterpret_cast<uint8_t *>(&word));
	iovec payload{&word, sizeof(word)};
	uint64_t offset = op->ranges[0].offset;
	OneSided tail[2] = {region.operation(OneSided::Kind::atomic_write,
					     offset, kAtomicWriteBytes),
			    region.operation(OneSided::Kind::flush_persistent,
					     offset, kAtomicWriteBytes)};
	tail[0].iov = &payload;
	tail[0].iov_count = 1;
	if (parts_.flusher->drain_nic(op, tail, 2) == Posted::no)
		return Posted::no;
	parts_.order->fence(op);
	return Posted::yes;
}

Posted Poster::post_atomically(PersistentOp *op)
{
	if (!op->len)
		return Posted::yes; /* its place in the order was all it had */
	if (op->writes && op->level != Level::commit &&
	    (!parts_.window->may_post() ||
	     parts_.flusher->remember(op->ranges, op->range_count) ==
		     Posted::no))
		return Posted::no;
	return post_atomic(parts_.window, op);
}

Posted Poster::post_requests(PersistentOp *op)
{
	PersistentOp::Posting &done = op->posting;
	const size_t most = op->writes ? parts_.connection->max_payload()
				       : wire::kMaxPayload;
	while (done.range < op->range_count) {
		const wire::Range &range = op->ranges[done.range];
		while (done.range_offset < range.length) {
			wire::Range part = range;
			part.offset += done.range_offset;
			part.length = std::min<uint64_t>(
				range.length - done.range_offset, most);
			bool last =
				done.range_offset + part.length == range.length;
			if (post_part(op, part, last) == Posted::no)
				return Posted::no;
			done.range_offset += part.length;
			done.iov_offset += part.length;
		}
		done.range++;
		done.range_offset = 0;
	}
	return Posted::yes;
}

/* Posts the next part of a read or write; `last` if it is the last of its
 * range. */
Posted Poster::post_part(PersistentOp *op, const wire::Range &part, bool last)
{
	uint16_t flags = 0;
	if (op->options.fence && !op->posting.iov_offset)
		flags |= wire::kFence;
	if (!op->writes)
		return post_read(parts_.window, op, part, flags);
	if (op->level == Level::commit)
		flags |= last ? wire::kFlush | wire::kCommit : wire::kFlush;
	else if (!parts_.window->may_post() ||
		 parts_.flusher->remember(&part, 1) == Posted::no)
		return Posted::no;
	return post_write(parts_.window, op, part, flags);
}

Posted Poster::post_one_sided(PersistentOp *op)
{
	if (!op->posting.chain && parts_.flusher->note(op) == Posted::no)
		return Posted::no;
	/* A region may have been closed since the operation was accepted. */
	if (!op->regions_known())
		return give_up(op, kUnknownKey);
	Plan plan(*op, parts_.connection->transport().traits(), *parts_.nic);
	if (!plan.whole())
		return give_up(op, {FI_EMSGSIZE, Cause::inner_provider});
	if (op->posting.chain < plan.count()) {
		int ret = plan.describe_locally(op, parts_.connection);
		if (ret)
			return give_up(op, {-ret, Cause::local_memory});
		if (post_plan(op, plan) == Posted::no)
			return Posted::no;
	}
	return op->failure ? Posted::yes : parts_.flusher->settle(op);
}

Posted Poster::post_plan(PersistentOp *op, const Plan &plan)
{
	Connection &connection = *parts_.connection;
	size_t most = connection.transport().traits().max_chain;
	size_t &done = op->posting.chain;
	while (done < plan.count()) {
		size_t count = std::min(most, plan.count() - done);
		int ret = parts_.nic->post(op, plan.chain() + done, count,
					   plan.borrowed());
		if (ret && plan.borrowed() >= 0)
			connection.link().give_back(
				static_cast<uint16_t>(plan.borrowed()));
		if (ret)
			return parts_.nic->posted(op, ret);
		done += count;
	}
	if (op->writes)
		parts_.dirty->wrote_one_sided();
	return Posted::yes;
}

Posted Poster::give_up(PersistentOp *op, const Failure &failure)
{
	op->fail(failure);
	lost_ = lost_ || op->writes;
	return Posted::yes;
}

} // namespace ofi_pmem
