/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Standard input as what is put: its end is found when it comes, and it may
 * pause.
 */
#pragma once

#include <cstdint>
#include <optional>

#include "transfer.hh"

namespace fi_pmem
{

class SourcePipe final : public BlockStream
{
public:
	/*
	 * What is behind `offset` bytes, and of that `length` bytes, which it
	 * must have, or all up to its end, of which there must be no more than
	 * `room`, nor none.
	 */
	SourcePipe(Report &report, uint64_t offset,
		   std::optional<uint64_t> length, uint64_t room)
		: report_(report), to_skip_(offset), length_(length),
		  room_(room)
	{
	}

	/* The most bytes that fill() may be asked for. */
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
