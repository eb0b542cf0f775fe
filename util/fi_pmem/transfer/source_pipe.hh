/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Standard input as the source of a put: its end is found only when it comes,
 * and it may pause.
 */
#pragma once

#include "transfer/transfer.hh"

#include <cstdint>
#include <optional>

namespace fi_pmem
{

class SourcePipe final : public BlockStream
{
public:
	/*
	 * Skips `offset` bytes. What follows is the source: `length` bytes,
	 * which it must have, or everything up to the end, which must be at
	 * least one byte and at most `room`.
	 */
	SourcePipe(Report &report, uint64_t offset,
		   std::optional<uint64_t> length, uint64_t room)
		: report_(report), to_skip_(offset), length_(length),
		  room_(room)
	{
	}

	/* The maximum bytes that fill() may be asked for. */
	[[nodiscard]] uint64_t most() const
	{
		/* One more shows that there are too many. */
		return length_.value_or(room_ + 1);
	}

	[[nodiscard]] int fill(char *buffer, size_t bytes,
			       size_t *filled) override;
	[[nodiscard]] int drain(const char *, size_t) override { return 0; }
	[[nodiscard]] bool ended() const override { return ended_; }
	[[nodiscard]] int wait_fd() const override;

private:
	[[nodiscard]] int skip(bool *done);
	[[nodiscard]] int read(char *buffer, size_t bytes, size_t *got);
	[[nodiscard]] int check_end();

	Report &report_;
	uint64_t to_skip_;
	std::optional<uint64_t> length_;
	uint64_t room_;
	uint64_t position_ = 0;
	bool ended_ = false;
};

} // namespace fi_pmem
