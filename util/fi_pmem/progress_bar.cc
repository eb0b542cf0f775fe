/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Drawing of the progress bar within the width of the terminal.
 */
#include "progress_bar.hh"

#include <algorithm>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace fi_pmem
{

namespace
{

size_t terminal_columns()
{
	winsize size{};
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

} // namespace

ProgressBar::ProgressBar(std::string label, uint64_t total, bool wanted)
	: label_(std::move(label)), total_(total),
	  enabled_(wanted && total && isatty(STDERR_FILENO))
{
}

void ProgressBar::update(uint64_t done)
{
	auto now = Clock::now();
	if (!enabled_ || (now < next_ && done != total_))
		return;
	next_ = now + std::chrono::milliseconds(100);
	drawn_ = true;
	draw(done);
}

void ProgressBar::draw(uint64_t done) const
{
	double seconds =
		std::chrono::duration<double>(Clock::now() - start_).count();
	double share = static_cast<double>(done) / static_cast<double>(total_);
	double rate = static_cast<double>(done) / std::max(seconds, 1e-6);
	char tail[96];
	std::snprintf(tail, sizeof(tail), " %3.0f%% %s of %s, %s/s",
		      100 * share,
		      human_bytes(static_cast<double>(done)).c_str(),
		      human_bytes(static_cast<double>(total_)).c_str(),
		      human_bytes(rate).c_str());
	std::string line = label_ + " [";
	size_t used = line.size() + std::string(tail).size() + 2;
	size_t columns = terminal_columns();
	size_t width =
		columns > used + 10 ? std::min<size_t>(columns - used, 40) : 0;
	auto full = static_cast<size_t>(share * static_cast<double>(width));
	line += std::string(full, '#') + std::string(width - full, '.') + "]" +
		tail;
	if (line.size() >= columns)
		line = std::string(tail).substr(0, columns - 1);
	std::fprintf(stderr, "\r\033[K%s", line.c_str());
	static_cast<void>(std::fflush(stderr));
}

void ProgressBar::clear()
{
	if (drawn_)
		std::fprintf(stderr, "\r\033[K");
	drawn_ = false;
}

std::string human_bytes(double bytes)
{
	static const char *const kUnits[] = {"bytes", "KiB", "MiB", "GiB",
					     "TiB"};
	size_t unit = 0;
	while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
		bytes /= 1024;
		unit++;
	}
	char text[32];
	std::snprintf(text, sizeof(text), "%.*f %s", unit ? 1 : 0, bytes,
		      kUnits[unit]);
	return text;
}

} // namespace fi_pmem
