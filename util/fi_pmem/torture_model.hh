/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a medium may hold after its target has ended: of each byte what the
 * last operation left that is known to be durable, or what any later one wrote.
 * An operation is known to be durable if
 *  - it committed, and was acknowledged;
 *  - a flush of its bytes, or a fence behind it, was acknowledged;
 *  - a fence behind it is on the medium, acknowledged or not: a fence is not
 *    stored before, nor without, what is before it.
 * An operation that failed promises nothing itself. A fence behind it does: it
 * may not succeed, nor be there. If it fails, it has told, and fences behind it
 * say nothing of what was before it.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "torture_journal.hh"

namespace fi_pmem
{

/* Bytes that are not as they must be. */
struct TortureLoss {
	uint64_t begin = 0; /* in the region */
	uint64_t end = 0;
	uint32_t lost = 0;     /* the operation that is durable there */
	uint32_t promised = 0; /* the one whose success or presence says so */
	bool acked = false;    /* that succeeded; else it is on the medium */
	/* What is there instead: an operation, or what was there before. */
	std::optional<uint32_t> found;
	bool found_before = false;

	[[nodiscard]] std::string text() const;
};

struct TortureCheck {
	std::vector<TortureLoss> losses;
	uint64_t lost_bytes = 0;
	uint64_t checked_bytes = 0; /* that had to be there */
};

/*
 * A round. `base` is the region as it was before, or null if nobody knows, and
 * `found` as it is now; both of the plan's size.
 */
void check_medium(const TortureRound &round, const TortureRecord &record,
		  const uint8_t *base, const uint8_t *found,
		  TortureCheck *check);

} // namespace fi_pmem
