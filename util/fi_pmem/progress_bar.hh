/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A progress bar on standard error, if that is a terminal; else nothing.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fi_pmem
{

class ProgressBar
{
public:
	/* `total` 0: it is not known. */
	ProgressBar(std::string label, uint64_t total, bool wanted);

	/* So much was done before, and says nothing of the rate. */
	void skip(uint64_t done) { skipped_ = done; }

	/* Draws at most ten times a second. */
	void update(uint64_t done);

	/* Removes the bar, so that other text may follow. */
	void clear();

private:
	using Clock = std::chrono::steady_clock;

	void draw(uint64_t done) const;

	std::string label_;
	uint64_t total_;
	uint64_t skipped_ = 0;
	bool enabled_;
	bool drawn_ = false;
	Clock::time_point start_ = Clock::now();
	Clock::time_point next_ = start_;
};

/*
 * " 45% 460.8 MiB of 1.0 GiB, 102.4 MiB/s, ETA 0:05", without a total
 * " 460.8 MiB, 102.4 MiB/s"; the rate is that of what was not skipped.
 */
[[nodiscard]] std::string progress_text(uint64_t done, uint64_t skipped,
					uint64_t total, double seconds);

/* 1.5 MiB, 300 bytes. */
[[nodiscard]] std::string human_bytes(double bytes);

} // namespace fi_pmem
