/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "serve/server_log.hh"

#include <cstdio>
#include <ctime>
#include <utility>

namespace fi_pmem
{

namespace
{

constexpr std::chrono::minutes kPeriod{1};

std::string now_text()
{
	timespec now{};
	clock_gettime(CLOCK_REALTIME, &now);
	std::tm parts{};
	gmtime_r(&now.tv_sec, &parts);
	char seconds[32];
	char text[48];
	std::strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &parts);
	std::snprintf(text, sizeof(text), "%s.%03ldZ", seconds,
		      now.tv_nsec / 1000000);
	return text;
}

void write_line(const char *level, const std::string &text)
{
	std::string line = now_text() + " " + level + ": " + text + "\n";
	std::fwrite(line.data(), 1, line.size(), stderr);
	std::fflush(stderr);
}

} // namespace

bool LineLimit::admits(Clock::time_point now)
{
	if (!used_ || now - begun_ >= kPeriod) {
		begun_ = now;
		used_ = 0;
	}
	if (used_ == lines_) {
		left_out_++;
		return false;
	}
	used_++;
	return true;
}

uint64_t LineLimit::take_left_out()
{
	return std::exchange(left_out_, 0);
}

void ServerLog::info(const std::string &text) const
{
	if (verbose_)
		write_line("info", text);
}

void ServerLog::warn(const std::string &text) const
{
	write_line("warning", text);
}

void ServerLog::warn(LineLimit *limit, const std::string &text) const
{
	if (!limit->admits(LineLimit::Clock::now()))
		return;
	uint64_t left_out = limit->take_left_out();
	warn(left_out ? text + " (" + std::to_string(left_out) +
				" such lines were left out before)"
		      : text);
}

void ServerLog::error(const std::string &text) const
{
	write_line("error", text);
}

} // namespace fi_pmem
