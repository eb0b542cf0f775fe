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
	  enabled_(wanted && isatty(STDERR_FILENO))
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
	std::string tail = progress_text(done, skipped_, total_, seconds);
	size_t columns = terminal_columns();
	std::string line = label_ + tail;
	if (total_) {
		double share =
			static_cast<double>(done) / static_cast<double>(total_);
		size_t used = label_.size() + tail.size() + 4;
		size_t width = columns > used + 10
				       ? std::min<size_t>(columns - used, 40)
				       : 0;
		auto full =
			static_cast<size_t>(share * static_cast<double>(width));
		line = label_ + " [" + std::string(full, '#') +
		       std::string(width - full, '.') + "]" + tail;
	}
	if (line.size() >= columns)
		line = tail.substr(0, columns - 1);
	std::fprintf(stderr, "\r\033[K%s", line.c_str());
	static_cast<void>(std::fflush(stderr));
}

void ProgressBar::clear()
{
	if (drawn_)
		std::fprintf(stderr, "\r\033[K");
	drawn_ = false;
}

std::string progress_text(uint64_t done, uint64_t skipped, uint64_t total,
			  double seconds)
{
	auto moved = static_cast<double>(done - std::min(done, skipped));
	double rate = moved / std::max(seconds, 1e-6);
	std::string text = human_bytes(static_cast<double>(done));
	char number[32];
	if (total) {
		std::snprintf(number, sizeof(number), "%3.0f%% ",
			      100 * static_cast<double>(done) /
				      static_cast<double>(total));
		text = number + text + " of " +
		       human_bytes(static_cast<double>(total));
	}
	text = " " + text + ", " + human_bytes(rate) + "/s";
	double left = static_cast<double>(total - std::min(done, total)) /
		      std::max(rate, 1e-6);
	if (done >= total || left >= 360000 || !(moved > 0))
		return text;
	auto eta = static_cast<unsigned>(left + 0.5);
	if (eta >= 3600)
		std::snprintf(number, sizeof(number), ", ETA %u:%02u:%02u",
			      eta / 3600, eta / 60 % 60, eta % 60);
	else
		std::snprintf(number, sizeof(number), ", ETA %u:%02u", eta / 60,
			      eta % 60);
	return text + number;
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
