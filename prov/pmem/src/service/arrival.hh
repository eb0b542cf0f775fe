/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A long Write whose payload is stored while it arrives. Everything behind it
 * stays in the socket. Called under the region table's lock.
 */
#pragma once

#include "service/executor.hh"
#include "transport/link.hh"

namespace ofi_pmem
{

class Arrival
{
public:
	/* With a failure the payload is read and dropped. */
	Arrival(const wire::Write &request, const Failure &failure) noexcept
		: request_(request), failure_(failure)
	{
	}

	enum class State {
		waits,	 /* for more to arrive */
		goes_on, /* in another turn */
		complete,
		broken, /* the link */
	};

	/* Stores what has arrived, as much as one turn allows. */
	[[nodiscard]] State step(Link *link, Executor *executor);

	State state() const noexcept { return state_; }
	const wire::Write &request() const noexcept { return request_; }
	const Failure &failure() const noexcept { return failure_; }

private:
	[[nodiscard]] State advance(Link *link, Executor *executor);

	const wire::Write request_;
	Failure failure_;
	size_t done_ = 0;
	State state_ = State::goes_on;
};

} // namespace ofi_pmem
