/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Shows a progress bar on standard error, if that is a terminal; else nothing.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fi_pmem
{

/* How far an activity has come. */
struct Progress {
	uint64_t done = 0;
	uint64_t skipped = 0; /* done before; does not count in the rate */
	uint64_t total = 0;   /* 0: unknown */
	double seconds = 0;   /* time it has taken */
	const char *unit = nullptr; /* cases, runs; null: bytes */
	double most_left = 1e9;	    /* seconds, after which it ends anyway */
};

class ProgressBar
{
public:
	/*
	 * `total` is 0 if it is unknown. The unit, if any, must outlive this
	 * object.
	 */
	ProgressBar(std::string label, uint64_t total, bool wanted,
		    const char *unit = nullptr);

	/* This much was done before and does not count in the rate. */
	void skip(uint64_t done) { progress_.skipped = done; }

	/* The activity ends then, done or not. */
	void end_at(std::chrono::steady_clock::time_point end) { end_ = end; }

	/* Draws at most ten times a second. */
	void update(uint64_t done);

	/* Removes the bar, so that other text may follow. */
	void clear();

private:
	using Clock = std::chrono::steady_clock;

	void draw();

	std::string label_;
	Progress progress_;
	bool enabled_;
	bool drawn_ = false;
	Clock::time_point start_ = Clock::now();
	Clock::time_point next_ = start_;
	Clock::time_point end_ = Clock::time_point::max();
};

/*
 * Returns " 45% 460.8 MiB of 1.0 GiB, 102.4 MiB/s, ETA 0:05", without a total "
 * 460.8 MiB, 102.4 MiB/s", and for cases " 45% 9 of 20 cases, ETA 0:05".
 */
[[nodiscard]] std::string progress_text(const Progress &progress);

/* Returns "1.5 MiB" or "300 bytes", for example. */
[[nodiscard]] std::string human_bytes(double bytes);

} // namespace fi_pmem
