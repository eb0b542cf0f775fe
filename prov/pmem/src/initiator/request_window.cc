/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/request_window.hh"

#include "initiator/dirty_tracker.hh"

#include <algorithm>

namespace ofi_pmem
{

wire::Type Request::success() const noexcept
{
	if (type == wire::Type::resolve)
		return wire::Type::region;
	if (type == wire::Type::verify)
		return wire::Type::verified;
	return fetches ? wire::Type::data : wire::Type::ack;
}

bool Request::touches(const wire::Range &other, bool write) const noexcept
{
	switch (type) {
	case wire::Type::read:
		return write && overlap(range, other);
	case wire::Type::write:
		return overlap(range, other);
	case wire::Type::verify:
		if (!write)
			return false;
		if (compares) {
			const ExpectedBlock *first =
				&op->checks.expected[first_block];
			return std::any_of(first, first + blocks,
					   [&](const ExpectedBlock &block) {
						   return overlap(block.range,
								  other);
					   });
		}
		[[fallthrough]];
	case wire::Type::atomic:
		return std::any_of(op->ranges, op->ranges + op->range_count,
				   [&](const wire::Range &one) {
					   return overlap(one, other);
				   });
	default:
		return false;
	}
}

void RequestWindow::send(const Request &request)
{
	keep(request, connection_->link().send());
}

void RequestWindow::send_long(const wire::Write &message, const iovec *payload,
			      size_t count, const Request &request)
{
	Link &link = connection_->link();
	std::memcpy(link.begin(sizeof(message)), &message, sizeof(message));
	keep(request, link.send_long(payload, count));
}

void RequestWindow::keep(const Request &request, int ret)
{
	Request &kept = requests_[next_sequence_++ % wire::kMaxCredits];
	kept = request;
	kept.number = stall_->next();
	kept.end = connection_->link().position();
	if (request.op)
		request.op->unanswered++;
	fences_ += request.fence;
	dirty_->sent(request);
	connection_->initiator().watch();
	connection_->posted(ret);
}

bool RequestWindow::accepts(uint64_t sequence, bool failed,
			    wire::Type answer) const noexcept
{
	/* Until it is sent, the application's buffers are in use. */
	if (!awaits(sequence) ||
	    connection_->link().sent_bytes() < at(sequence).end)
		return false;
	for (uint64_t s = answered_ + 1; s < sequence; s++) {
		if (at(s).success() != wire::Type::ack)
			return false;
	}
	return failed || at(sequence).success() == answer;
}

Request RequestWindow::take_oldest() noexcept
{
	Request oldest = at(++answered_);
	fences_ -= oldest.fence;
	return oldest;
}

bool RequestWindow::flushes() const noexcept
{
	for (uint64_t s = answered_ + 1; s < next_sequence_; s++) {
		if (at(s).type == wire::Type::flush)
			return true;
	}
	return false;
}

bool RequestWindow::overtaken_by(const wire::Range &range,
				 bool write) const noexcept
{
	if (all_answered())
		return false;
	wire::Range wide = with_neighbors(range);
	for (uint64_t s = answered_ + 1; s < next_sequence_; s++) {
		if (at(s).touches(wide, write))
			return true;
	}
	return false;
}

} // namespace ofi_pmem
