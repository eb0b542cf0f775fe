/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/table.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"

#include <nlohmann/json.hpp>

#include <cinttypes>
#include <cstdio>

namespace fi_pmem
{

void BenchTable::tell_head() const
{
	bool several = sides_.size() > 1;
	const BenchOptions &bench = options_.bench;
	report_.say("%u rounds of %" PRIu64 " operations, or of %s if less; "
		    "times in microseconds",
		    bench.rounds, bench.count,
		    human_bytes(static_cast<double>(bench.max_bytes)).c_str());
	size_t number = 0;
	for (const auto &side : sides_)
		report_.say("%zu: %s", ++number, side->text().c_str());
	report_.say("the client %s", bench.poll ? "polls" : "sleeps");
	if (options_.local)
		report_.say("target: its processor time per operation");
	if (several)
		report_.say("1/p50, 1/rate: of 1, divided by that of the line");
	report_.say("%-8s %8s %5s%s %9s %9s %9s%s%s", "op", "bytes", "depth",
		    several ? " #" : "", "p50", "p99", "rate/s",
		    options_.local ? "   target" : "",
		    several ? "  1/p50 1/rate" : "");
}

/* Divides the first side's results by those of each other one. */
void BenchTable::compare(const BenchRow &row,
			 nlohmann::ordered_json *told) const
{
	const BenchResult &one = row.results.front();
	nlohmann::ordered_json floors;
	for (size_t i = 1; i < sides_.size(); i++) {
		const BenchResult &other = row.results[i];
		if (other.empty())
			continue;
		double latency = one.p50() / other.p50();
		double rate = one.rate() / other.rate();
		if (sides_[i]->is_floor()) {
			floors[sides_[i]->name()] = {{"latency_over", latency},
						     {"rate_over", rate}};
			continue;
		}
		(*told)["over"] = sides_[i]->name();
		(*told)["latency_over"] = latency;
		(*told)["rate_over"] = rate;
	}
	if (!floors.empty())
		(*told)["floors"] = floors;
}

std::string BenchTable::target_time(const BenchSide &side,
				    const BenchResult &result,
				    nlohmann::ordered_json *told) const
{
	if (!options_.local)
		return "";
	char text[16];
	double us = percentile(result.target_us, kMedian);
	std::snprintf(text, sizeof(text), " %8.1f", us);
	if (!side.has_server())
		return "        -";
	(*told)["target_cpu_us"] = us;
	return text;
}

void BenchTable::tell_side(const BenchRow &row, size_t number,
			   const BenchSide &side) const
{
	const BenchResult &first = row.results.front();
	const BenchResult &result = row.results[number];
	double p50 = result.p50();
	double p99 = percentile(result.latencies, 0.99);
	nlohmann::ordered_json told{{"event", "measured"},
				    {"op", bench_op_name(row.what.op)},
				    {"bytes", row.what.bytes},
				    {"depth", row.what.depth}};
	told[side.is_floor() ? "floor" : "provider"] = side.name();
	if (!side.is_floor())
		told["endpoint"] = side.endpoint();
	told["polls"] = options_.bench.poll;
	told["count"] = row.count;
	told["rounds"] = result.rates.size();
	told["p50_us"] = p50;
	told["p99_us"] = p99;
	told["per_second"] = result.rate();
	std::string target = target_time(side, result, &told);
	char ratios[32] = "";
	if (!number)
		compare(row, &told);
	else if (!first.empty())
		std::snprintf(ratios, sizeof(ratios), " %6.2f %6.2f",
			      first.p50() / p50, first.rate() / result.rate());
	std::string by =
		sides_.size() > 1 ? " " + std::to_string(number + 1) : "";
	report_.say("%-8s %8zu %5zu%s %9.1f %9.1f %9.0f%s%s",
		    bench_op_name(row.what.op), row.what.bytes, row.what.depth,
		    by.c_str(), p50, p99, result.rate(), target.c_str(),
		    ratios);
	report_.event(told);
}

void BenchTable::tell_row(const BenchRow &row) const
{
	for (size_t i = 0; i < sides_.size(); i++) {
		if (!row.results[i].empty())
			tell_side(row, i, *sides_[i]);
	}
}

} // namespace fi_pmem
