/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What bench has measured, and how it prints that: a case at a time, as text or
 * as JSON.
 */
#pragma once

#include "bench/side.hh"
#include "cli/options.hh"
#include "cli/percentile.hh"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <vector>

namespace fi_pmem
{

class Report;

/* The results of all rounds of one case on one side. */
struct BenchResult {
	std::vector<double> latencies;
	std::vector<double> rates; /* operations per second, of each round */
	std::vector<double> target_us; /* its processor time per operation */

	[[nodiscard]] bool empty() const { return rates.empty(); }
	[[nodiscard]] double p50() const
	{
		return percentile(latencies, kMedian);
	}
	[[nodiscard]] double rate() const { return percentile(rates, kMedian); }
};

struct BenchRow {
	BenchCase what;
	uint64_t count;			  /* operations in each round */
	std::vector<BenchResult> results; /* for each side */
};

class BenchTable
{
public:
	using Sides = std::vector<std::unique_ptr<BenchSide>>;

	/* All of them must outlive this object. */
	BenchTable(const Options &options, Report &report, const Sides &sides)
		: options_(options), report_(report), sides_(sides)
	{
	}

	/* Explains the columns, and names them. */
	void tell_head() const;
	/* Prints a line for each side that has results. */
	void tell_row(const BenchRow &row) const;

private:
	void tell_side(const BenchRow &row, size_t number,
		       const BenchSide &side) const;
	void compare(const BenchRow &row, nlohmann::ordered_json *told) const;
	[[nodiscard]] std::string
	target_time(const BenchSide &side, const BenchResult &result,
		    nlohmann::ordered_json *told) const;

	const Options &options_;
	Report &report_;
	const Sides &sides_;
};

} // namespace fi_pmem
