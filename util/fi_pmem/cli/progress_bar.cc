/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Draws the progress bar within the width of the terminal.
 */
#include "cli/progress_bar.hh"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

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

std::string amount(const Progress &progress, uint64_t number)
{
	return progress.unit ? std::to_string(number)
			     : human_bytes(static_cast<double>(number));
}

std::string eta_text(double left)
{
	auto eta = static_cast<unsigned>(left + 0.5);
	char text[32];
	if (eta >= 3600)
		std::snprintf(text, sizeof(text), ", ETA %u:%02u:%02u",
			      eta / 3600, eta / 60 % 60, eta % 60);
	else
		std::snprintf(text, sizeof(text), ", ETA %u:%02u", eta / 60,
			      eta % 60);
	return text;
}

} // namespace

ProgressBar::ProgressBar(std::string label, uint64_t total, bool wanted,
			 const char *unit)
	: label_(std::move(label)), enabled_(wanted && isatty(STDERR_FILENO))
{
	progress_.total = total;
	progress_.unit = unit;
}

void ProgressBar::update(uint64_t done)
{
	auto now = Clock::now();
	if (!enabled_ || (now < next_ && done != progress_.total))
		return;
	next_ = now + std::chrono::milliseconds(100);
	drawn_ = true;
	progress_.done = done;
	draw();
}

void ProgressBar::draw()
{
	using Seconds = std::chrono::duration<double>;
	auto now = Clock::now();
	progress_.seconds = Seconds(now - start_).count();
	progress_.most_left = Seconds(end_ - now).count();
	std::string tail = progress_text(progress_);
	size_t columns = terminal_columns();
	std::string line = label_ + tail;
	if (progress_.total) {
		double share = static_cast<double>(progress_.done) /
			       static_cast<double>(progress_.total);
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

std::string progress_text(const Progress &progress)
{
	uint64_t done = progress.done;
	uint64_t total = progress.total;
	auto moved =
		static_cast<double>(done - std::min(done, progress.skipped));
	double rate = moved / std::max(progress.seconds, 1e-6);
	std::string text = " ";
	if (total) {
		char share[32];
		std::snprintf(share, sizeof(share), "%3.0f%% ",
			      100 * static_cast<double>(done) /
				      static_cast<double>(total));
		text += share;
	}
	text += amount(progress, done);
	if (total)
		text += " of " + amount(progress, total);
	text += progress.unit ? std::string(" ") + progress.unit
			      : ", " + human_bytes(rate) + "/s";
	double left = static_cast<double>(total - std::min(done, total)) /
		      std::max(rate, 1e-6);
	left = std::min(left, std::max(progress.most_left, 0.0));
	if (done >= total || left >= 360000 || !(moved > 0))
		return text;
	return text + eta_text(left);
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
