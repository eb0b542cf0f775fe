/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Runs seed by seed, makes a failing run smaller, or checks a journal. A run is
 * in torture_run.cc, what it does in torture_planner.cc, what it may leave in
 * torture_model.cc.
 */
#include "torture/torture.hh"

#include "cli/overwrite.hh"
#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "serve/local_server.hh"
#include "torture/run.hh"
#include "torture/shrink.hh"

#include <nlohmann/json.hpp>
#include <rdma/fi_errno.h>

#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

namespace fi_pmem
{

namespace
{

/*
 * The tries of a run that fails only sometimes, and the maximum of all tries.
 */
constexpr unsigned kTries = 3;
constexpr uint64_t kMostShrinking = 300;

class Torture
{
public:
	Torture(const Options &options, Report &report)
		: options_(options), torture_(options.torture), report_(report),
		  place_(options.place, torture_.parameters.size)
	{
	}

	[[nodiscard]] int run();
	[[nodiscard]] int run_remote();
	[[nodiscard]] int check();
	[[nodiscard]] int show_plan();

private:
	[[nodiscard]] TorturePlan plan(uint64_t seed) const;
	[[nodiscard]] int run_one(uint64_t seed, TortureResult *result);
	void tell_run(uint64_t seed, const TortureResult &result);
	void set_result(const TortureResult &result);
	[[nodiscard]] int require_commits(const TortureResult &result);
	[[nodiscard]] int conclude(int code);
	[[nodiscard]] int make_smaller(uint64_t seed, int code);
	[[nodiscard]] std::string replay(const TorturePlan &plan,
					 const NumberSet &kept) const;

	const Options &options_;
	const TortureOptions &torture_;
	Report &report_;
	Signals signals_;
	Place place_;
	TortureResult total_;
	uint64_t runs_ = 0;
	uint64_t failed_ = 0;
};

TorturePlan Torture::plan(uint64_t seed) const
{
	TortureParameters parameters = torture_.parameters;
	parameters.seed = seed;
	TorturePlan plan = make_plan(parameters);
	if (!torture_.keep.empty())
		plan.keep(torture_.keep);
	return plan;
}

int Torture::run_one(uint64_t seed, TortureResult *result)
{
	int ret = TortureRun(options_, report_, signals_)
			  .run(plan(seed), place_, result);
	if (ret)
		return ret;
	runs_++;
	failed_ += result->code() != kOk;
	total_.add(*result);
	tell_run(seed, *result);
	return kOk;
}

void Torture::tell_run(uint64_t seed, const TortureResult &result)
{
	report_.event({{"event", "run"},
		       {"seed", std::to_string(seed)},
		       {"ok", result.code() == kOk},
		       {"operations", result.operations},
		       {"commits", result.commits},
		       {"faults", result.faults},
		       {"checked_bytes", result.checked_bytes},
		       {"lost_bytes", result.lost_bytes},
		       {"wrong_reads", result.wrong_reads},
		       {"hangs", result.hangs},
		       {"errors", result.errors},
		       {"findings", result.findings}});
	if (result.code())
		report_.say("run of seed %" PRIu64 " fails:", seed);
	for (const std::string &finding : result.findings)
		report_.say("  %s", finding.c_str());
}

int Torture::run()
{
	int code = signals_.open(report_);
	if (!code)
		code = place_.claim(report_, options_.force);
	if (code)
		return code;
	auto end = Clock::now() + std::chrono::seconds(torture_.seconds);
	uint64_t first = torture_.parameters.seed;
	report_.say("seed %" PRIu64, first);
	ProgressBar bar("torture", torture_.runs, !options_.json, "runs");
	if (torture_.seconds)
		bar.end_at(end);
	for (uint64_t i = 0; i < torture_.runs; i++) {
		if (torture_.seconds && Clock::now() >= end)
			break;
		TortureResult result;
		int ret = run_one(first + i, &result);
		if (ret)
			return ret;
		if (result.code()) {
			bar.clear();
			code = std::max(code, result.code());
		}
		if (result.code() && torture_.shrink)
			ret = make_smaller(first + i, result.code());
		if (ret)
			return ret;
		if (code && !torture_.keep_going)
			break;
		bar.update(i + 1);
	}
	bar.clear();
	return conclude(code);
}

void Torture::set_result(const TortureResult &result)
{
	report_.set("seed", std::to_string(torture_.parameters.seed));
	report_.set("operations", result.operations);
	report_.set("commits", result.commits);
	report_.set("faults", result.faults);
	report_.set("checked_bytes", result.checked_bytes);
	report_.set("lost_bytes", result.lost_bytes);
	report_.set("wrong_reads", result.wrong_reads);
	report_.set("hangs", result.hangs);
	report_.set("errors", result.errors);
}

int Torture::conclude(int code)
{
	report_.set("runs", runs_);
	report_.set("failed_runs", failed_);
	set_result(total_);
	report_.say("%" PRIu64 " runs, %" PRIu64 " operations, %" PRIu64
		    " commits acknowledged, %" PRIu64 " faults, %" PRIu64
		    " bytes checked: %" PRIu64 " bytes lost, %" PRIu64
		    " wrong reads, %" PRIu64 " hangs, %" PRIu64 " errors",
		    runs_, total_.operations, total_.commits, total_.faults,
		    total_.checked_bytes, total_.lost_bytes, total_.wrong_reads,
		    total_.hangs, total_.errors);
	if (!code)
		return require_commits(total_);
	return report_.fail(total_.code(),
			    "%" PRIu64 " of %" PRIu64 " runs failed", failed_,
			    runs_);
}

/* If no commit was acknowledged, nothing could be lost. */
int Torture::require_commits(const TortureResult &result)
{
	if (result.commits)
		return kOk;
	std::string why =
		result.first_error
			? std::string(": ") + fi_strerror(result.first_error)
			: "";
	return report_.fail(kFailed,
			    "nothing was checked: of %" PRIu64
			    " operations no commit was acknowledged%s",
			    result.operations, why.c_str());
}

/*
 * Makes a plan smaller that still fails in the same way. It need not fail every
 * time, as processes run as they like.
 */
int Torture::make_smaller(uint64_t seed, int code)
{
	int ret = kOk;
	TorturePlan whole = plan(seed);
	auto fails = [&](const std::vector<uint32_t> &numbers) {
		for (unsigned i = 0; !ret && i < kTries; i++) {
			TorturePlan some = whole;
			TortureResult result;
			some.keep(NumberSet(numbers));
			ret = TortureRun(options_, report_, signals_)
				      .run(some, place_, &result);
			if (!ret && result.code() == code)
				return true;
		}
		return false;
	};
	NumberSet kept(shrink(whole.all_numbers(), fails, kMostShrinking));
	if (ret)
		return ret;
	whole.keep(kept);
	std::string command = replay(whole, kept);
	report_.event({{"event", "shrunk"},
		       {"seed", std::to_string(seed)},
		       {"operations", whole.all_numbers().size()},
		       {"replay", command},
		       {"plan", whole.text()}});
	report_.say("made smaller:\n%sto repeat it:\n  %s",
		    whole.text().c_str(), command.c_str());
	return kOk;
}

std::string Torture::replay(const TorturePlan &plan,
			    const NumberSet &kept) const
{
	const TortureParameters &parameters = plan.parameters;
	std::ostringstream text;
	text << "fi_pmem torture '" << options_.place << "' --runs 1 --seed "
	     << parameters.seed << " --initiators " << parameters.initiators
	     << " --rounds " << parameters.rounds << " --ops " << parameters.ops
	     << " --size " << parameters.size << " --faults "
	     << fault_names(parameters.faults)
	     << (torture_.powerfail ? " --powerfail" : "")
	     << (options_.rdm ? " --rdm" : "")
	     << (options_.force ? " --force" : "");
	if (!options_.provider.empty())
		text << " -p '" << options_.provider << "'";
	text << " --keep " << kept.text();
	return text.str();
}

int Torture::show_plan()
{
	TorturePlan shown = plan(torture_.parameters.seed);
	report_.set("seed", std::to_string(shown.parameters.seed));
	report_.set("plan", shown.text());
	report_.say("seed %" PRIu64 "\n%s", shown.parameters.seed,
		    shown.text().c_str());
	return kOk;
}

int Torture::run_remote()
{
	int ret = signals_.open(report_);
	if (!ret)
		ret = check_overwriting(report_, torture_.journal,
					options_.force);
	TortureResult result;
	if (!ret)
		ret = TortureRun(options_, report_, signals_)
			      .run_remote(plan(torture_.parameters.seed),
					  &result);
	if (ret)
		return ret;
	set_result(result);
	for (const std::string &finding : result.findings)
		report_.say("%s", finding.c_str());
	report_.say("%" PRIu64 " operations, %" PRIu64
		    " commits acknowledged, %" PRIu64 " wrong reads, %" PRIu64
		    " hangs; once the target has ended check with "
		    "fi_pmem torture --check %s",
		    result.operations, result.commits, result.wrong_reads,
		    result.hangs, torture_.journal.c_str());
	if (!result.code())
		return require_commits(result);
	return report_.fail(result.code(), "%s",
			    result.findings.front().c_str());
}

int Torture::check()
{
	std::ifstream file(torture_.check);
	std::stringstream text;
	if (file)
		text << file.rdbuf();
	if (!file || !text)
		return report_.fail(kLocalFile, "%s: %s",
				    torture_.check.c_str(), strerror(errno));
	TortureRecord record;
	std::string problem = parse_journal(text.str(), &record);
	if (!problem.empty())
		return report_.fail(kLocalFile, "%s: %s",
				    torture_.check.c_str(), problem.c_str());
	if (!record.parameters.format)
		return report_.fail(
			kLocalFile,
			"%s: is not the journal of a torture --target",
			torture_.check.c_str());
	std::vector<uint8_t> found;
	int ret = read_medium(report_, options_.place, std::nullopt,
			      record.parameters.size, &found);
	if (ret)
		return ret;
	TortureResult result;
	TorturePlan made = make_plan(record.parameters);
	result.take(made.rounds.front(), record, nullptr, found.data());
	set_result(result);
	report_.set("findings", result.findings);
	for (const std::string &finding : result.findings)
		report_.say("%s", finding.c_str());
	report_.say("%" PRIu64 " operations, %" PRIu64
		    " commits acknowledged, %" PRIu64 " bytes checked: %" PRIu64
		    " bytes lost",
		    result.operations, result.commits, result.checked_bytes,
		    result.lost_bytes);
	if (!result.lost_bytes)
		return require_commits(result);
	return report_.fail(kDiffers, "%" PRIu64 " bytes of %s are lost",
			    result.lost_bytes, options_.place.c_str());
}

} // namespace

int run_torture(const Options &options, Report &report)
{
	const TortureOptions &torture = options.torture;
	if (torture.powerfail)
		setenv("FI_OFI_PMEM_BACKEND", "powerfail", 1);
	/* As many on every machine. */
	setenv("FI_OFI_PMEM_SERVICE_THREADS", "3", 0);
	/* Over tcp, too, there are then writes on both sides of the limit. */
	setenv("FI_OFI_PMEM_INLINE_SIZE", "4096", 0);
	Torture run(options, report);
	if (torture.plan)
		return run.show_plan();
	if (!torture.check.empty())
		return run.check();
	return options.local ? run.run() : run.run_remote();
}

} // namespace fi_pmem
