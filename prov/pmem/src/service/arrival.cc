/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "service/arrival.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

/* So many bytes are stored in one turn; then others have theirs. */
constexpr size_t kTurn = 1 << 20;

} // namespace

Arrival::State Arrival::step(Link *link, Executor *executor)
{
	state_ = advance(link, executor);
	return state_;
}

Arrival::State Arrival::advance(Link *link, Executor *executor)
{
	size_t left = kTurn;
	while (link->rest()) {
		if (!left)
			return State::goes_on;
		ssize_t got = executor->receive(request_, done_, left, link,
						&failure_);
		if (got < 0)
			return State::broken;
		if (!got)
			return State::waits;
		done_ += static_cast<size_t>(got);
		left -= static_cast<size_t>(got);
	}
	return State::complete;
}

} // namespace ofi_pmem
