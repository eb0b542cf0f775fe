/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Writes what a running server reports to its operator on standard error: a
 * line for each thing that happened, with the time in UTC and its severity.
 * Lines that strangers can cause any number of times are limited, and those
 * left out are counted.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace fi_pmem
{

/* Admits this many lines at once, and then as many in each minute. */
class LineLimit
{
public:
	using Clock = std::chrono::steady_clock;

	explicit LineLimit(unsigned lines) : lines_(lines) {}

	[[nodiscard]] bool admits(Clock::time_point now);

	/* Returns how many were not admitted since the last call. */
	[[nodiscard]] uint64_t take_left_out();

private:
	const unsigned lines_;
	unsigned used_ = 0;
	uint64_t left_out_ = 0;
	Clock::time_point begun_{};
};

class ServerLog
{
public:
	explicit ServerLog(bool verbose) : verbose_(verbose) {}

	/*
	 * Belongs to the ordinary course of things; printed only with
	 * --verbose.
	 */
	void info(const std::string &text) const;
	/* Something does not work for somebody. */
	void warn(const std::string &text) const;
	void warn(LineLimit *limit, const std::string &text) const;
	/* Something does not work for anybody, until the operator acts. */
	void error(const std::string &text) const;

private:
	const bool verbose_;
};

} // namespace fi_pmem
