/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/bad_ranges.hh"

#include "cli/report.hh"

#include <nlohmann/json.hpp>

#include <cinttypes>
#include <cstring>

namespace fi_pmem
{

void BadRanges::add(uint64_t position, uint64_t bytes, const char *reason)
{
	bytes_ += bytes;
	if (end_ != position || strcmp(reason_, reason)) {
		finish();
		begin_ = position;
	}
	end_ = position + bytes;
	reason_ = reason;
}

void BadRanges::finish()
{
	if (begin_ == end_)
		return;
	report_.say("offset %" PRIu64 ", %" PRIu64 " bytes: %s",
		    offset_ + begin_, end_ - begin_, reason_);
	report_.event({{"event", "bad"},
		       {"offset", offset_ + begin_},
		       {"bytes", end_ - begin_},
		       {"reason", reason_}});
	begin_ = end_;
	reason_ = "";
}

} // namespace fi_pmem
