/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Draws curves by gnuplot(1), or writes the script for it: one panel each,
 * latency over size.
 */
#pragma once

#include "transfer/output_file.hh"

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fi_pmem
{

class Report;

class Plot
{
public:
	/*
	 * Returns how a file of this name is drawn; null if its suffix is not a
	 * format.
	 */
	[[nodiscard]] static const char *format_of(const std::string &path);
	/* Returns the suffixes that are formats, for a message. */
	[[nodiscard]] static std::string formats();

	explicit Plot(Report &report) : report_(report) {}
	~Plot();
	Plot(const Plot &) = delete;
	Plot &operator=(const Plot &) = delete;

	/*
	 * Opens the file, and starts gnuplot if it is needed. With `force` the
	 * file may exist; finish() replaces it. Returns an exit code.
	 */
	[[nodiscard]] int open(const std::string &path, bool force);

	/* An operation on `bytes` bytes took `us` microseconds. */
	void add(const std::string &panel, const std::string &curve,
		 size_t bytes, double us)
	{
		panels_[panel][curve].emplace_back(bytes, us);
	}

	/* Draws what was added. Returns an exit code. */
	[[nodiscard]] int finish();

private:
	using Curve = std::vector<std::pair<size_t, double>>;
	using Panel = std::map<std::string, Curve>;

	[[nodiscard]] int start_gnuplot();
	[[nodiscard]] int draw();
	[[nodiscard]] std::string script() const;

	Report &report_;
	std::string path_;
	const char *terminal_ = ""; /* gnuplot's; empty: only the script */
	std::optional<OutputFile> file_;
	FILE *script_ = nullptr; /* to gnuplot */
	pid_t gnuplot_ = -1;
	std::map<std::string, Panel> panels_;
};

} // namespace fi_pmem
