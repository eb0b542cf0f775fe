/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Curves drawn by gnuplot(1), or the script that has it draw them: a panel
 * each, latency over size.
 */
#pragma once

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "output_file.hh"

namespace fi_pmem
{

class Report;

class Plot
{
public:
	/* How a file of this name is drawn; null if its end is no format. */
	[[nodiscard]] static const char *format_of(const std::string &path);
	/* The ends that are, for a message. */
	[[nodiscard]] static std::string formats();

	explicit Plot(Report &report) : report_(report) {}
	~Plot();
	Plot(const Plot &) = delete;
	Plot &operator=(const Plot &) = delete;

	/*
	 * Begins with the file, which `force` says may be there and which is
	 * replaced by finish() only, and with gnuplot if it is needed. Exit
	 * code.
	 */
	[[nodiscard]] int open(const std::string &path, bool force);

	/* Microseconds of an operation on so many bytes. */
	void add(const std::string &panel, const std::string &curve,
		 size_t bytes, double us)
	{
		panels_[panel][curve].emplace_back(bytes, us);
	}

	/* Draws what was added. Exit code. */
	[[nodiscard]] int finish();

private:
	using Curve = std::vector<std::pair<size_t, double>>;
	using Panel = std::map<std::string, Curve>;

	[[nodiscard]] int start_gnuplot();
	[[nodiscard]] int draw();
	[[nodiscard]] std::string script() const;

	Report &report_;
	std::string path_;
	const char *terminal_ = ""; /* of gnuplot; empty: only the script */
	std::optional<OutputFile> file_;
	FILE *script_ = nullptr; /* to gnuplot */
	pid_t gnuplot_ = -1;
	std::map<std::string, Panel> panels_;
};

} // namespace fi_pmem
