/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * All cases in every round, on all sides; then the table.
 */
#include "bench.hh"

#include <cinttypes>
#include <filesystem>
#include <list>

#include <nlohmann/json.hpp>

#include "bench_side.hh"
#include "exit_codes.hh"
#include "percentile.hh"
#include "plot.hh"
#include "progress_bar.hh"
#include "report.hh"

namespace fi_pmem
{

namespace
{

constexpr uint64_t kWarmUp = 50;

/* Of all rounds of one case on one side. */
struct Result {
	std::vector<double> latencies;
	std::vector<double> rates;     /* operations a second, of each round */
	std::vector<double> target_us; /* of its processor, per operation */

	[[nodiscard]] bool empty() const { return latencies.empty(); }
};

class Benchmark
{
public:
	Benchmark(const Options &options, Report &report)
		: options_(options), report_(report), plot_(report)
	{
	}

	[[nodiscard]] int run();

private:
	struct Row {
		BenchCase what;
		std::vector<Result> results; /* of each side */
	};

	[[nodiscard]] int check_servers() const;
	[[nodiscard]] int open();
	void make_rows();
	[[nodiscard]] int measure(Row &row);
	void tell() const;
	void tell_row(const Row &row) const;
	[[nodiscard]] std::string compare(const Row &row,
					  nlohmann::ordered_json *told) const;
	[[nodiscard]] int draw();

	const Options &options_;
	Report &report_;
	Plot plot_;
	std::list<BenchSide> sides_;
	std::vector<Row> rows_;
};

/* Before anything is changed: whether servers of its own can be started. */
int Benchmark::check_servers() const
{
	const std::string &against = options_.bench.against;
	std::error_code failure;
	if (!against.empty() && !options_.place.empty() &&
	    !std::filesystem::is_directory(options_.place, failure))
		return report_.fail(kLocalFile,
				    "%s: is no directory, in which --against "
				    "has a file beside that of --provider",
				    options_.place.c_str());
	Target target{options_.provider, options_.bind, 0, true, options_.rdm};
	InfoPtr found;
	int ret = find_info(report_, target, &found);
	target.provider = against;
	target.option = "--against";
	if (!ret && !against.empty())
		ret = find_info(report_, target, &found);
	return ret;
}

int Benchmark::open()
{
	const BenchOptions &bench = options_.bench;
	size_t most = *std::max_element(bench.sizes.begin(), bench.sizes.end());
	std::vector<std::string> providers{options_.provider};
	if (!bench.against.empty())
		providers.push_back(bench.against);
	for (const std::string &provider : providers) {
		Options own = options_;
		own.provider = provider;
		if (own.place.empty())
			own.place = ".";
		sides_.emplace_back(own, report_);
		int ret = sides_.back().open(!options_.local, most);
		if (ret)
			return ret;
		sides_.back().stop_server();
	}
	return kOk;
}

void Benchmark::make_rows()
{
	const auto &chosen = options_.bench.operations;
	auto add = [this](BenchCase what) {
		rows_.push_back({what, std::vector<Result>(sides_.size())});
	};
	for (BenchOp op : kBenchOps) {
		if (std::find(chosen.begin(), chosen.end(),
			      bench_op_name(op)) == chosen.end())
			continue;
		if (op == BenchOp::message) {
			add({op, Connection::kAnswerBytes, 1});
			continue;
		}
		for (size_t bytes : options_.bench.sizes)
			for (size_t depth : options_.bench.depths)
				add({op, bytes, depth});
	}
}

int Benchmark::measure(Row &row)
{
	size_t index = 0;
	uint64_t count = options_.bench.count;
	for (BenchSide &side : sides_) {
		Result &result = row.results[index++];
		if (!side.can(row.what.op))
			continue;
		BenchRound warm_up, round;
		side.let_server_run();
		int ret = side.run(row.what, kWarmUp, &warm_up);
		if (!ret)
			ret = side.run(row.what, count, &round);
		side.stop_server();
		if (ret)
			return ret;
		result.latencies.insert(result.latencies.end(),
					round.latencies.begin(),
					round.latencies.end());
		result.rates.push_back(static_cast<double>(count) /
				       round.seconds);
		result.target_us.push_back(round.target_seconds * 1e6 /
					   static_cast<double>(count));
	}
	return kOk;
}

int Benchmark::run()
{
	int ret = kOk;
	if (!options_.bench.plot.empty())
		ret = plot_.open(options_.bench.plot, options_.force);
	if (!ret && options_.local)
		ret = check_servers();
	if (!ret)
		ret = open();
	if (ret)
		return ret;
	make_rows();
	uint64_t done = 0;
	ProgressBar bar("bench", rows_.size() * options_.bench.rounds,
			!options_.json, "measurements");
	for (uint32_t round = 0; round < options_.bench.rounds; round++) {
		for (Row &row : rows_) {
			ret = measure(row);
			if (ret)
				return ret;
			bar.update(++done);
		}
	}
	bar.clear();
	tell();
	return options_.bench.plot.empty() ? int{kOk} : draw();
}

int Benchmark::draw()
{
	for (const Row &row : rows_) {
		if (row.what.op == BenchOp::message)
			continue; /* of one size only */
		auto result = row.results.begin();
		for (const BenchSide &side : sides_) {
			if (!result->empty())
				plot_.add(
					bench_op_name(row.what.op),
					std::string(side.provider()) +
						", depth " +
						std::to_string(row.what.depth),
					row.what.bytes,
					percentile(result->latencies, kMedian));
			result++;
		}
	}
	return plot_.finish();
}

/* The first side by the other one, for the table and for JSON. */
std::string Benchmark::compare(const Row &row,
			       nlohmann::ordered_json *told) const
{
	const Result &one = row.results.front();
	const Result &other = row.results.back();
	if (sides_.size() < 2 || one.empty() || other.empty())
		return "";
	double latency = percentile(one.latencies, kMedian) /
			 percentile(other.latencies, kMedian);
	double rate = percentile(one.rates, kMedian) /
		      percentile(other.rates, kMedian);
	(*told)["over"] = sides_.back().provider();
	(*told)["latency_over"] = latency;
	(*told)["rate_over"] = rate;
	char text[32];
	std::snprintf(text, sizeof(text), " %6.2f %6.2f", latency, rate);
	return text;
}

void Benchmark::tell_row(const Row &row) const
{
	size_t number = 0;
	for (const BenchSide &side : sides_) {
		const Result &result = row.results[number++];
		if (result.empty())
			continue;
		double p50 = percentile(result.latencies, kMedian);
		double p99 = percentile(result.latencies, 0.99);
		double rate = percentile(result.rates, kMedian);
		nlohmann::ordered_json told{{"event", "measured"},
					    {"op", bench_op_name(row.what.op)},
					    {"bytes", row.what.bytes},
					    {"depth", row.what.depth},
					    {"provider", side.provider()},
					    {"endpoint", side.endpoint()},
					    {"p50_us", p50},
					    {"p99_us", p99},
					    {"per_second", rate}};
		char target[16] = "";
		if (options_.local) {
			double us = percentile(result.target_us, kMedian);
			std::snprintf(target, sizeof(target), " %8.1f", us);
			told["target_cpu_us"] = us;
		}
		std::string ratios = number == 1 ? compare(row, &told) : "";
		std::string by =
			sides_.size() > 1 ? " " + std::to_string(number) : "";
		report_.say("%-8s %8zu %5zu%s %9.1f %9.1f %9.0f%s%s",
			    bench_op_name(row.what.op), row.what.bytes,
			    row.what.depth, by.c_str(), p50, p99, rate, target,
			    ratios.c_str());
		report_.event(told);
	}
}

void Benchmark::tell() const
{
	report_.say("%u rounds of %" PRIu64 " operations; times in "
		    "microseconds",
		    options_.bench.rounds, options_.bench.count);
	size_t number = 0;
	for (const BenchSide &side : sides_)
		report_.say("provider %zu: %s", ++number, side.provider());
	if (options_.local)
		report_.say("target: its processor time per operation");
	if (sides_.size() > 1)
		report_.say("p50/2, rate/2: of provider 1 divided by that of "
			    "provider 2");
	report_.say("%-8s %8s %5s%s %9s %9s %9s%s%s", "op", "bytes", "depth",
		    sides_.size() > 1 ? " #" : "", "p50", "p99", "rate/s",
		    options_.local ? "   target" : "",
		    sides_.size() > 1 ? "  p50/2 rate/2" : "");
	for (const Row &row : rows_)
		tell_row(row);
}

} // namespace

int run_benchmark(const Options &options, Report &report)
{
	return Benchmark(options, report).run();
}

} // namespace fi_pmem
