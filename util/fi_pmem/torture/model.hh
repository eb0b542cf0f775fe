/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Knows what a medium may hold after its target has ended: in each byte, what
 * the last operation that is known to be durable left there, or what any later
 * one wrote. An operation is known to be durable if
 *  - it committed, and was acknowledged;
 *  - a flush of its bytes, or a fence behind it, was acknowledged;
 *  - a fence behind it is on the medium, acknowledged or not: a fence is not
 *    stored before, nor without, what is before it.
 * An operation that failed promises nothing itself, but the fence behind it
 * must neither succeed nor be on the medium. If that fence fails, it has
 * reported the failure, and later fences say nothing about what was before it.
 */
#pragma once

#include "torture/journal.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fi_pmem
{

/* Bytes that are not what they must be. */
struct TortureLoss {
	uint64_t begin = 0; /* position in the region */
	uint64_t end = 0;
	uint32_t lost = 0;     /* the operation that must be durable there */
	uint32_t promised = 0; /* the one whose success or presence says so */
	bool acked = false; /* that one succeeded; else it is on the medium */
	/*
	 * This is there instead: an operation's bytes, or what was there
	 * before.
	 */
	std::optional<uint32_t> found;
	bool found_before = false;

	[[nodiscard]] std::string text() const;
};

struct TortureCheck {
	std::vector<TortureLoss> losses;
	uint64_t lost_bytes = 0;
	uint64_t checked_bytes = 0; /* those that had to be there */
};

/*
 * Checks one round. `base` is the region as it was before, or null if nobody
 * knows, and `found` as it is now; both have the plan's size.
 */
void check_medium(const TortureRound &round, const TortureRecord &record,
		  const uint8_t *base, const uint8_t *found,
		  TortureCheck *check);

} // namespace fi_pmem
