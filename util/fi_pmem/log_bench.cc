/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * fi_pmem log bench: appends by an ordered pointer beside appends that wait for
 * the record first, and beside the commit of the record alone, in one run,
 * interleaved.
 */
#include <algorithm>
#include <cinttypes>
#include <map>
#include <tuple>

#include <rdma/fi_errno.h>

#include <nlohmann/json.hpp>

#include "exit_codes.hh"
#include "log_session.hh"
#include "progress_bar.hh"
#include "report.hh"

namespace fi_pmem
{

namespace
{

using ofi_pmem_log::Order;

constexpr uint64_t kWarmUpAppends = 50;

/* A way to append; the commit alone is a lazy one whose pointer never comes. */
struct Way {
	const char *name;
	Order order;
};

constexpr Way kWays[] = {{"target", Order::target},
			 {"initiator", Order::initiator},
			 {"commit", Order::lazy}};

struct Measured {
	double latency_us = 0; /* of one append, at depth 1 the median */
	double rate = 0;       /* appends a second */
};

double median(std::vector<double> values)
{
	auto middle = values.begin() + static_cast<long>(values.size() / 2);
	std::nth_element(values.begin(), middle, values.end());
	return *middle;
}

double microseconds(Clock::duration duration)
{
	return std::chrono::duration<double, std::micro>(duration).count();
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
	/* Size, depth, way. */
	using Case = std::tuple<size_t, size_t, size_t>;

	int check_room();
	int measure(const Case &one);
	int appends(ofi_pmem_log::Writer &writer, const std::string &record,
		    uint64_t count, std::vector<double> *latencies);
	int one_append(ofi_pmem_log::Writer &writer, const std::string &record);
	Measured result(const Case &one) const;
	void tell();
	void tell_case(size_t size, size_t depth);

	const Options &options_;
	Report &report_;
	LogSession &session_;
	std::map<Case, std::vector<Measured>> rounds_;
};

int Bench::check_room()
{
	size_t size = *std::max_element(options_.log.sizes.begin(),
					options_.log.sizes.end());
	uint64_t needed = 4096 + 64 +
			  (options_.log.appends + kWarmUpAppends) *
				  ofi_pmem_log::space_of(size);
	if (needed <= session_.place().len)
		return kOk;
	return report_.fail(
		kNoRoom,
		"%" PRIu64 " appends of %zu bytes need %" PRIu64
		" bytes, of which the log has %" PRIu64 ": --appends, --sizes",
		options_.log.appends, size, needed, session_.place().len);
}

int Bench::one_append(ofi_pmem_log::Writer &writer, const std::string &record)
{
	uint64_t end = 0;
	int ret;
	while ((ret = writer.append(record.data(), record.size(), &end)) ==
	       -FI_EAGAIN) {
		ret = writer.poll();
		if (ret)
			return ret;
	}
	return ret;
}

/* With a depth of 1 each is awaited, and its latency noted. */
int Bench::appends(ofi_pmem_log::Writer &writer, const std::string &record,
		   uint64_t count, std::vector<double> *latencies)
{
	for (uint64_t i = 0; i < count; i++) {
		auto start = Clock::now();
		int ret = one_append(writer, record);
		while (!ret && latencies &&
		       writer.acknowledged() < writer.end())
			ret = writer.poll();
		if (ret)
			return ret;
		if (latencies)
			latencies->push_back(
				microseconds(Clock::now() - start));
	}
	int ret = 0;
	while (!ret && writer.acknowledged() < writer.end())
		ret = writer.poll();
	return ret;
}

int Bench::measure(const Case &one)
{
	auto [size, depth, way] = one;
	int ret = session_.create();
	if (ret)
		return ret;
	ofi_pmem_log::Options options;
	options.order = kWays[way].order;
	options.max_record = size;
	options.depth = depth;
	options.lag = SIZE_MAX;
	ofi_pmem_log::Writer writer(session_.path(), session_.place(), options);
	std::string record(size, 'r');
	std::vector<double> latencies;
	auto each = depth == 1 ? &latencies : nullptr;
	ret = writer.open();
	if (!ret)
		ret = appends(writer, record, kWarmUpAppends, each);
	latencies.clear();
	auto start = Clock::now();
	if (!ret)
		ret = appends(writer, record, options_.log.appends, each);
	if (ret) {
		/* Before the writer's memory goes. */
		ret = session_.fail("cannot append", ret, writer.text());
		session_.connection().close();
		return ret;
	}
	double total = microseconds(Clock::now() - start);
	auto count = static_cast<double>(options_.log.appends);
	rounds_[one].push_back({each ? median(latencies) : total / count,
				count / total * 1e6});
	if (int signal = session_.connection().signals().take())
		return report_.fail(kSignalBase + signal, "interrupted by %s",
				    signal_name(signal).c_str());
	return kOk;
}

Measured Bench::result(const Case &one) const
{
	std::vector<double> latencies;
	std::vector<double> rates;
	for (const Measured &round : rounds_.at(one)) {
		latencies.push_back(round.latency_us);
		rates.push_back(round.rate);
	}
	return {median(latencies), median(rates)};
}

void Bench::tell_case(size_t size, size_t depth)
{
	Measured all[std::size(kWays)];
	for (size_t way = 0; way < std::size(kWays); way++)
		all[way] = result({size, depth, way});
	const Measured &initiator = all[1];
	for (size_t way = 0; way < std::size(kWays); way++) {
		double latency = all[way].latency_us / initiator.latency_us;
		double rate = all[way].rate / initiator.rate;
		report_.say("%8zu %6zu  %-10s %10.1f %12.0f %8.2f %8.2f", size,
			    depth, kWays[way].name, all[way].latency_us,
			    all[way].rate, latency, rate);
		report_.event({{"event", "measured"},
			       {"size", size},
			       {"depth", depth},
			       {"order", kWays[way].name},
			       {"microseconds", all[way].latency_us},
			       {"per_second", all[way].rate},
			       {"latency_over_initiator", latency},
			       {"rate_over_initiator", rate}});
	}
}

void Bench::tell()
{
	report_.say("medians of %u rounds of %" PRIu64
		    " appends to %s, %s; over = divided by initiator's",
		    options_.log.rounds, options_.log.appends,
		    session_.connection().peer().c_str(),
		    session_.connection().provider());
	report_.say("%8s %6s  %-10s %10s %12s %8s %8s", "bytes", "depth",
		    "order", "us", "per second", "us over", "/s over");
	for (size_t size : options_.log.sizes)
		for (size_t depth : options_.log.depths)
			tell_case(size, depth);
}

int Bench::run()
{
	int ret = check_room();
	if (ret)
		return ret;
	const LogOptions &log = options_.log;
	uint64_t total = log.rounds * log.sizes.size() * log.depths.size() *
			 std::size(kWays);
	uint64_t done = 0;
	ProgressBar bar("bench", total, !options_.json);
	for (uint32_t round = 0; round < log.rounds; round++)
		for (size_t size : log.sizes)
			for (size_t depth : log.depths)
				for (size_t way = 0; way < std::size(kWays);
				     way++) {
					ret = measure({size, depth, way});
					if (ret)
						return ret;
					bar.update(++done);
				}
	bar.clear();
	tell();
	return kOk;
}

} // namespace

int run_bench(const Options &options, Report &report, LogSession &session)
{
	return Bench(options, report, session).run();
}

} // namespace fi_pmem
