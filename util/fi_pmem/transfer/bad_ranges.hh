/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reports ranges of a region that are not what they should be, as they are
 * found.
 */
#pragma once

#include <cstdint>

namespace fi_pmem
{

class Report;

class BadRanges
{
public:
	/* Positions are counted from `offset` in the region. */
	BadRanges(Report &report, uint64_t offset)
		: report_(report), offset_(offset)
	{
	}

	/*
	 * Ranges come in ascending order. Adjacent ones with the same reason
	 * are reported as one.
	 */
	void add(uint64_t position, uint64_t bytes, const char *reason);

	/* Reports the last range. */
	void finish();

	[[nodiscard]] uint64_t bytes() const { return bytes_; }

private:
	Report &report_;
	uint64_t offset_;
	uint64_t bytes_ = 0;
	uint64_t begin_ = 0;
	uint64_t end_ = 0; /* of the open range; begin_ if there is none */
	const char *reason_ = "";
};

} // namespace fi_pmem
