/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Curves as SVG, drawn by gnuplot(1): a panel each, latency over size.
 */
#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace fi_pmem
{

class Report;

class Plot
{
public:
	explicit Plot(Report &report) : report_(report) {}
	~Plot();
	Plot(const Plot &) = delete;
	Plot &operator=(const Plot &) = delete;

	/* Begins with the file and gnuplot, without which it fails. Exit code.
	 */
	[[nodiscard]] int open(const std::string &path);

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
	[[nodiscard]] std::string script() const;

	Report &report_;
	std::string path_;
	int file_ = -1;
	FILE *script_ = nullptr; /* to gnuplot */
	pid_t gnuplot_ = -1;
	std::map<std::string, Panel> panels_;
};

} // namespace fi_pmem
