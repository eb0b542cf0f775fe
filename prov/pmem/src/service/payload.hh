/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The user data in messages: stored from a request into a region, and loaded
 * from a region into an answer. Nothing else at the target touches these bytes.
 */
#pragma once

#include "core/errors.hh"
#include "protocol/wire.hh"
#include "service/atomic_request.hh"
#include "service/region_table.hh"
#include "transport/link.hh"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ofi_pmem
{

/* The user data of a request, in the message that was received. */
struct Payload {
	const uint8_t *bytes;
	size_t len;
};

/* Returns the data behind the fixed part of a message. */
template <typename Message>
Payload payload_of(const Message &, const uint8_t *bytes, size_t len) noexcept
{
	return {bytes + sizeof(Message), len - sizeof(Message)};
}

/* Stores the data of a Write, and flushes it if the request says so. */
[[nodiscard]] Failure store_payload(const wire::Write &request,
				    const Payload &payload,
				    TargetRegion *region);

/*
 * Receives up to `most` bytes of the data of a long Write, behind `done` that
 * were stored already: into the region's memory where the backend allows it,
 * else through `buffer`. Returns what Link::read_rest() does. If storing fails,
 * or with a failure before, the data is dropped.
 */
[[nodiscard]] ssize_t receive_payload(const wire::Write &request, size_t done,
				      size_t most, Link *link,
				      std::vector<uint8_t> *buffer,
				      TargetRegion *region, Failure *failure);

/* Loads the data for the answer to a Read. */
[[nodiscard]] Failure load_payload(const wire::Read &request,
				   TargetRegion *region, uint8_t *answer);

/*
 * Applies the operands of an atomic request, from the byte `done` on, to the
 * elements.
 */
void apply_operands(const AtomicRequest &request, size_t done,
		    std::vector<uint8_t> *elements);

} // namespace ofi_pmem
