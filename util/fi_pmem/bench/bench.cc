/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Runs the rounds of one case after the other, on all sides in turn, and prints
 * each case when it is measured.
 */
#include "bench/bench.hh"

#include "bench/floor.hh"
#include "bench/plot.hh"
#include "bench/provider_side.hh"
#include "bench/table.hh"
#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"

#include <algorithm>
#include <filesystem>

namespace fi_pmem
{

namespace
{

constexpr uint64_t kWarmUp = 50;

class Benchmark
{
public:
	Benchmark(const Options &options, Report &report)
		: options_(options), report_(report), plot_(report),
		  floors_(options, report, signals_),
		  table_(options, report, sides_)
	{
	}

	[[nodiscard]] int run();

private:
	[[nodiscard]] int check_servers() const;
	[[nodiscard]] int open();
	void make_rows();
	[[nodiscard]] int measure(BenchRow &row);
	[[nodiscard]] int measure_all();
	[[nodiscard]] int interrupted(int code, size_t lines);
	[[nodiscard]] int draw();

	const Options &options_;
	Report &report_;
	Plot plot_;
	Signals signals_;
	Floors floors_;
	BenchTable::Sides sides_;
	BenchTable table_;
	std::vector<BenchRow> rows_;
};

/*
 * Checks, before anything is changed, whether servers of its own can be
 * started.
 */
int Benchmark::check_servers() const
{
	const std::string &against = options_.bench.against;
	std::error_code failure;
	if (!against.empty() && !options_.place.empty() &&
	    !std::filesystem::is_directory(options_.place, failure))
		return report_.fail(
			kLocalFile,
			"%s: is not a directory, in which --against has a file "
			"beside that of --provider",
			options_.place.c_str());
	Target target{options_.provider, options_.bind, 0, true, options_.rdm};
	InfoPtr found;
	int ret = find_info(report_, target, &found);
	target.provider = against;
	target.provider_option = "--against";
	if (!ret && !against.empty())
		ret = find_info(report_, target, &found);
	return ret;
}

int Benchmark::open()
{
	const BenchOptions &bench = options_.bench;
	size_t most = *std::max_element(bench.sizes.begin(), bench.sizes.end());
	std::string place = options_.place.empty() ? "." : options_.place;
	std::vector<std::string> providers{options_.provider};
	if (!bench.against.empty())
		providers.push_back(bench.against);
	for (const std::string &provider : providers) {
		Options own = options_;
		own.provider = provider;
		own.place = place;
		auto side =
			std::make_unique<ProviderSide>(own, report_, signals_);
		int ret = side->open(!options_.local, most);
		if (ret)
			return ret;
		side->stop_server();
		sides_.push_back(std::move(side));
	}
	bool none = bench.floors == std::vector<std::string>{kNoFloor};
	return options_.local && !none ? floors_.open(place, most, &sides_)
				       : int{kOk};
}

/* What an operation of this case writes. */
uint64_t bytes_of(const BenchCase &what)
{
	return what.op == BenchOp::drain ? what.bytes * what.depth : what.bytes;
}

void Benchmark::make_rows()
{
	const BenchOptions &bench = options_.bench;
	const auto &chosen = bench.operations;
	auto add = [&](BenchCase what) {
		uint64_t fit = bench.max_bytes / bytes_of(what);
		uint64_t count = std::clamp(fit, uint64_t{1}, bench.count);
		rows_.push_back(
			{what, count, std::vector<BenchResult>(sides_.size())});
	};
	for (BenchOp op : kBenchOps) {
		if (std::find(chosen.begin(), chosen.end(),
			      bench_op_name(op)) == chosen.end())
			continue;
		if (op == BenchOp::message) {
			add({op, Connection::kAnswerBytes, 1});
			continue;
		}
		for (size_t bytes : bench.sizes)
			for (size_t depth : bench.depths)
				add({op, bytes, depth});
	}
}

/* Does one round on each side. */
int Benchmark::measure(BenchRow &row)
{
	auto count = static_cast<double>(row.count);
	auto result = row.results.begin();
	for (auto &side : sides_) {
		BenchResult &into = *result++;
		if (!side->can(row.what.op))
			continue;
		BenchRound warm_up, round;
		side->let_server_run();
		int ret = side->run(row.what, std::min(kWarmUp, row.count),
				    &warm_up);
		if (!ret)
			ret = side->run(row.what, row.count, &round);
		side->stop_server();
		if (ret)
			return ret;
		into.latencies.insert(into.latencies.end(),
				      round.latencies.begin(),
				      round.latencies.end());
		into.rates.push_back(count / round.seconds);
		into.target_us.push_back(round.target_seconds * 1e6 / count);
		if (int signal = signals_.take())
			return kSignalBase + signal;
	}
	return kOk;
}

/* Reports a signal; it came when so many lines were complete. */
int Benchmark::interrupted(int code, size_t lines)
{
	std::string more;
	if (lines < rows_.size()) {
		const BenchRow &row = rows_[lines];
		size_t rounds = row.results.front().rates.size();
		if (rounds)
			more = ", and " + std::to_string(rounds) + " of " +
			       std::to_string(options_.bench.rounds) +
			       " rounds of the next one";
	}
	return report_.fail(code,
			    "interrupted by %s: %zu of %zu cases are "
			    "measured%s",
			    signal_name(code - kSignalBase).c_str(), lines,
			    rows_.size(), more.c_str());
}

int Benchmark::measure_all()
{
	ProgressBar bar("bench", rows_.size() * options_.bench.rounds,
			!options_.json, "measurements");
	uint64_t done = 0;
	for (size_t i = 0; i < rows_.size(); i++) {
		int ret = kOk;
		for (uint32_t round = 0; !ret && round < options_.bench.rounds;
		     round++) {
			ret = measure(rows_[i]);
			bar.update(++done);
		}
		bar.clear();
		if (!ret || ret >= kSignalBase)
			table_.tell_row(rows_[i]);
		if (ret >= kSignalBase)
			return interrupted(ret, i);
		if (ret)
			return ret;
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
		ret = signals_.open(report_);
	if (!ret)
		ret = open();
	if (ret)
		return ret;
	make_rows();
	table_.tell_head();
	ret = measure_all();
	return ret || options_.bench.plot.empty() ? ret : draw();
}

int Benchmark::draw()
{
	for (const BenchRow &row : rows_) {
		if (row.what.op == BenchOp::message)
			continue; /* for one size only */
		for (size_t i = 0; i < sides_.size(); i++) {
			if (row.results[i].empty())
				continue;
			std::string floor =
				sides_[i]->is_floor() ? "floor " : "";
			plot_.add(bench_op_name(row.what.op),
				  floor + sides_[i]->name() + ", depth " +
					  std::to_string(row.what.depth),
				  row.what.bytes, row.results[i].p50());
		}
	}
	return plot_.finish();
}

} // namespace

int run_bench(const Options &options, Report &report)
{
	return Benchmark(options, report).run();
}

} // namespace fi_pmem
