/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * How the writes that a NIC places in a region become visible and durable: one
 * strategy for each durability method, chosen once, when the description of the
 * region arrives. The strategies have no state.
 */
#pragma once

#include "initiator/method.hh"
#include "initiator/op.hh"
#include "protocol/wire.hh"
#include "transport/link.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

struct RemoteRegion;

/* Says what makes a write durable later that did not commit. */
enum class Debt : uint8_t {
	service, /* a Flush request must name the range */
	nic,	 /* the NIC must flush the range */
	none,	 /* it is durable when it completes */
};

/* One-sided operations that are about to be posted, up to `room`. */
struct FlushList {
	OneSided *list;
	size_t room;
	size_t count = 0;
	/* A READ of this region is needed behind all of them. */
	const RemoteRegion *read = nullptr;
};

/* Returns the flush that makes a write of this level, above transmit, so. */
constexpr OneSided::Kind flush_kind(Level level) noexcept
{
	return level == Level::commit ? OneSided::Kind::flush_persistent
				      : OneSided::Kind::flush_visible;
}

class Settling
{
public:
	Method method() const noexcept { return method_; }

	/* The NIC does all of a commit, so even a small one is one-sided. */
	bool by_nic() const noexcept { return method_ != Method::message; }

	Debt debt() const noexcept { return debt_; }

	/* A commit needs a Flush request for its ranges. */
	bool needs_flush_request() const noexcept
	{
		return debt_ == Debt::service;
	}

	/* Only an answer of the service shows that a write has arrived: an
	 * acknowledgement may precede placement. */
	bool needs_answer() const noexcept { return needs_answer_; }

	/* An 8-byte write can be ordered by ATOMIC WRITE. */
	virtual bool orders(const TransportTraits &) const noexcept
	{
		return false;
	}

	/*
	 * Appends what the NIC does for a flush of this `kind` of the range.
	 * Returns false if there is no room for all of it; *range is then what
	 * is left.
	 */
	[[nodiscard]] virtual bool flush(const RemoteRegion &region,
					 OneSided::Kind kind,
					 wire::Range *range,
					 FlushList *flushes) const noexcept;

protected:
	Settling(Method method, Debt debt, bool needs_answer) noexcept
		: method_(method), debt_(debt), needs_answer_(needs_answer)
	{
	}
	~Settling() = default;

private:
	const Method method_;
	const Debt debt_;
	const bool needs_answer_;
};

const Settling &settling_for(Method method) noexcept;

} // namespace ofi_pmem
