/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem log bench compares appends by an ordered pointer with appends that
 * wait for the record first, and with the commit of the record alone,
 * interleaved in one run.
 */
#include "cli/percentile.hh"
#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "log/session.hh"

#include <nlohmann/json.hpp>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cinttypes>
#include <deque>
#include <map>
#include <tuple>

namespace fi_pmem
{

namespace
{

using ofi_pmem_log::Order;

constexpr uint64_t kWarmUpAppends = 50;

/*
 * A way to append. The commit alone is a lazy append whose pointer never comes.
 */
struct Way {
	const char *op;
	const char *order;
	Order value;
};

constexpr Way kWays[] = {{"append", "target", Order::target},
			 {"append", "initiator", Order::initiator},
			 {"commit", "lazy", Order::lazy}};
constexpr size_t kBase = 1; /* the others are divided by this one */

/* The results of all rounds of a case. */
struct Measured {
	std::vector<double> latencies; /* us, from append to durable */
	std::vector<double> rates;     /* appends per second, of each round */

	[[nodiscard]] double p50() const
	{
		return percentile(latencies, kMedian);
	}
	[[nodiscard]] double rate() const { return percentile(rates, kMedian); }
};

double microseconds(Clock::duration duration)
{
	return std::chrono::duration<double, std::micro>(duration).count();
}

/*
 * Appends one record to a new log, again and again, and measures how long each
 * append takes.
 */
class Appends
{
public:
	Appends(ofi_pmem_log::Writer &writer, size_t bytes)
		: writer_(writer), record_(bytes, 'r')
	{
	}

	/* Returns when all are durable: 0 or a negative fi_errno. */
	int run(uint64_t count);

	[[nodiscard]] const std::vector<double> &latencies() const
	{
		return latencies_;
	}
	void clear() { latencies_.clear(); }

private:
	int append();
	int poll();

	ofi_pmem_log::Writer &writer_;
	const std::string record_;
	/*
	 * For each append that is not durable yet: where it ends, and when it
	 * began.
	 */
	std::deque<std::pair<uint64_t, Clock::time_point>> waiting_;
	std::vector<double> latencies_;
};

int Appends::poll()
{
	int ret = writer_.poll();
	auto now = Clock::now();
	while (!waiting_.empty() &&
	       waiting_.front().first <= writer_.acknowledged()) {
		latencies_.push_back(
			microseconds(now - waiting_.front().second));
		waiting_.pop_front();
	}
	return ret;
}

int Appends::append()
{
	uint64_t end = 0;
	auto begin = Clock::now();
	int ret;
	while ((ret = writer_.append(record_.data(), record_.size(), &end)) ==
	       -FI_EAGAIN) {
		ret = poll();
		if (ret)
			return ret;
		begin = Clock::now();
	}
	waiting_.emplace_back(end, begin);
	return ret ? ret : poll();
}

int Appends::run(uint64_t count)
{
	int ret = 0;
	for (uint64_t i = 0; !ret && i < count; i++)
		ret = append();
	while (!ret && !waiting_.empty())
		ret = poll();
	return ret;
}

class Bench
{
public:
	Bench(const Options &options, Report &report, LogSession &session)
		: options_(options), report_(report), session_(session)
	{
	}

	int run();

private:
	/* A case has a size, a depth, and a way. */
	using Case = std::tuple<size_t, size_t, size_t>;

	int check_room();
	std::vector<Case> cases() const;
	int measure(const Case &one);
	void tell();
	void tell_case(const Case &one);

	const Options &options_;
	Report &report_;
	LogSession &session_;
	std::map<Case, Measured> measured_;
};

int Bench::check_room()
{
	size_t size = *std::max_element(options_.log.sizes.begin(),
					options_.log.sizes.end());
	uint64_t needed = 4096 + 64 +
			  (options_.log.count + kWarmUpAppends) *
				  ofi_pmem_log::space_of(size);
	if (needed <= session_.place().len)
		return kOk;
	return report_.fail(
		kNoRoom,
		"%" PRIu64 " appends of %zu bytes need %" PRIu64
		" bytes, of which the log has %" PRIu64 ": --count, --sizes",
		options_.log.count, size, needed, session_.place().len);
}

int Bench::measure(const Case &one)
{
	auto [size, depth, way] = one;
	int ret = session_.create();
	if (ret)
		return ret;
	ofi_pmem_log::Options options;
	options.order = kWays[way].value;
	options.max_record = size;
	options.depth = depth;
	options.lag = SIZE_MAX;
	ofi_pmem_log::Writer writer(session_.path(), session_.place(), options);
	Appends appends(writer, size);
	ret = writer.open();
	if (!ret)
		ret = appends.run(kWarmUpAppends);
	appends.clear();
	auto start = Clock::now();
	if (!ret)
		ret = appends.run(options_.log.count);
	if (ret) {
		/* This comes before the writer's memory goes. */
		ret = session_.fail("cannot append", ret, writer.text());
		session_.connection().close();
		return ret;
	}
	double total = microseconds(Clock::now() - start);
	Measured &measured = measured_[one];
	measured.latencies.insert(measured.latencies.end(),
				  appends.latencies().begin(),
				  appends.latencies().end());
	measured.rates.push_back(static_cast<double>(options_.log.count) /
				 total * 1e6);
	if (int signal = session_.connection().interrupt().take())
		return report_.fail(kSignalBase + signal, "interrupted by %s",
				    signal_name(signal).c_str());
	return kOk;
}

void Bench::tell_case(const Case &one)
{
	auto [size, depth, way] = one;
	const Measured &measured = measured_.at(one);
	const Measured &base = measured_.at({size, depth, kBase});
	double p50 = measured.p50();
	double p99 = percentile(measured.latencies, 0.99);
	double rate = measured.rate();
	nlohmann::ordered_json told{
		{"event", "measured"},
		{"op", kWays[way].op},
		{"order", kWays[way].order},
		{"bytes", size},
		{"depth", depth},
		{"provider", session_.connection().provider()},
		{"p50_us", p50},
		{"p99_us", p99},
		{"per_second", rate}};
	char ratios[32] = "";
	if (way != kBase) {
		double latency = p50 / base.p50();
		double rates = rate / base.rate();
		std::snprintf(ratios, sizeof(ratios), " %6.2f %6.2f", latency,
			      rates);
		told["over"] = kWays[kBase].order;
		told["latency_over"] = latency;
		told["rate_over"] = rates;
	}
	report_.say("%-6s %-9s %8zu %5zu %9.1f %9.1f %9.0f%s", kWays[way].op,
		    kWays[way].order, size, depth, p50, p99, rate, ratios);
	report_.event(told);
}

void Bench::tell()
{
	report_.say("%u rounds of %" PRIu64 " operations; times in "
		    "microseconds",
		    options_.log.rounds, options_.log.count);
	report_.say("provider: %s", session_.connection().provider());
	report_.say("p50/i, rate/i: divided by that of order initiator");
	report_.say("%-6s %-9s %8s %5s %9s %9s %9s %6s %6s", "op", "order",
		    "bytes", "depth", "p50", "p99", "rate/s", "p50/i",
		    "rate/i");
	for (const Case &one : cases())
		tell_case(one);
}

/* Returns the cases in the order in which they are measured and reported. */
std::vector<Bench::Case> Bench::cases() const
{
	std::vector<Case> all;
	for (size_t size : options_.log.sizes)
		for (size_t depth : options_.log.depths)
			for (size_t way = 0; way < std::size(kWays); way++)
				all.emplace_back(size, depth, way);
	return all;
}

int Bench::run()
{
	int ret = check_room();
	if (!ret)
		ret = session_.claim();
	if (ret)
		return ret;
	uint64_t done = 0;
	ProgressBar bar("log bench", options_.log.rounds * cases().size(),
			!options_.json, "measurements");
	for (uint32_t round = 0; round < options_.log.rounds; round++) {
		for (const Case &one : cases()) {
			ret = measure(one);
			if (ret)
				return ret;
			bar.update(++done);
		}
	}
	bar.clear();
	tell();
	return kOk;
}

} // namespace

int run_log_bench(const Options &options, Report &report, LogSession &session)
{
	return Bench(options, report, session).run();
}

} // namespace fi_pmem
