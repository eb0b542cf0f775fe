/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Runs the rounds, and the processes of each. torture_result.cc judges.
 */
#include "torture/run.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "client/region_file.hh"
#include "serve/local_server.hh"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstring>
#include <utility>

namespace fi_pmem
{

int read_medium(Report &report, const std::string &path,
		std::optional<uint64_t> size, uint64_t bytes,
		std::vector<uint8_t> *medium)
{
	RegionFile region;
	int ret = region.open(report, path, size, !size);
	if (ret)
		return ret;
	if (region.length() < bytes)
		return report.fail(kNoRoom,
				   "%s has %" PRIu64 " bytes, %" PRIu64
				   " are needed",
				   path.c_str(), region.length(), bytes);
	auto begin = static_cast<const uint8_t *>(region.base());
	medium->assign(begin, begin + bytes);
	return kOk;
}

void TortureRun::Unmap::operator()(TortureShared *shared) const
{
	munmap(shared, sizeof(*shared));
}

int TortureRun::run(const TorturePlan &plan, const Place &place,
		    TortureResult *result)
{
	uint64_t size = plan.parameters.size;
	struct stat status;
	bool device =
		!stat(place.path().c_str(), &status) && S_ISCHR(status.st_mode);
	grow_to_ = device ? std::nullopt : std::optional(size);
	int ret = read_medium(report_, place.path(), grow_to_, size, &medium_);
	for (size_t i = 0; !ret && i < plan.rounds.size(); i++) {
		ret = run_round(plan, plan.rounds[i], place, result);
		if (!ret || ret > kSignalBase || !i)
			continue;
		/* It could before, so the recovery has failed. */
		result->errors++;
		result->findings.push_back("error: the next round: " +
					   report_.error());
		return kOk;
	}
	return ret;
}

int TortureRun::prepare(const TorturePlan &plan)
{
	if (getrandom(&salt_, sizeof(salt_), 0) != ssize_t{sizeof(salt_)})
		return report_.fail(kFailed, "getrandom: %s", strerror(errno));
	journal_ = std::make_unique<TortureJournal>();
	int ret = journal_error(journal_->create(options_.torture.journal,
						 plan.parameters, salt_));
	if (ret)
		return ret;
	void *memory =
		mmap(nullptr, sizeof(TortureShared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return report_.fail(kFailed, "mmap: %s", strerror(errno));
	shared_.reset(new (memory) TortureShared);
	return kOk;
}

std::vector<std::string> TortureRun::serve_options(const Place &place) const
{
	std::vector<std::string> words;
	if (options_.rdm)
		words.emplace_back("--rdm");
	if (grow_to_ && !place.bytes())
		words.insert(words.end(),
			     {"--size", std::to_string(*grow_to_)});
	return words;
}

int TortureRun::run_round(const TorturePlan &plan, const TortureRound &round,
			  const Place &place, TortureResult *result)
{
	Options own = options_;
	LocalServer server(options_, report_);
	int ret = prepare(plan);
	if (!ret)
		ret = server.start(place, options_.provider,
				   serve_options(place));
	if (!ret && !parse_address(server.address(), &own.peer))
		ret = report_.fail(kFailed, "%s is not an address",
				   server.address().c_str());
	if (ret)
		return ret;
	own.provider = server.provider();
	shared_->target = server.pid();
	ret = operate(round, own, result);
	if (ret)
		return ret;
	end_target(round, &server, result);
	std::vector<uint8_t> found;
	TortureRecord record;
	ret = read_medium(report_, place.path(), std::nullopt,
			  plan.parameters.size, &found);
	if (!ret)
		ret = read_journal(&record);
	if (ret)
		return ret;
	result->take(round, record, medium_.data(), found.data());
	result->faults += shared_->faults;
	medium_ = std::move(found);
	return kOk;
}

int TortureRun::run_remote(const TorturePlan &plan, TortureResult *result)
{
	int ret = prepare(plan);
	if (ret)
		return ret;
	shared_->ended = true; /* it may, at any time */
	TortureRecord record;
	ret = operate(plan.rounds.front(), options_, result);
	if (!ret && code_)
		ret = report_.fail(code_, "%s", shared_->error);
	if (!ret)
		ret = read_journal(&record);
	if (ret)
		return ret;
	result->take(plan.rounds.front(), record, nullptr, nullptr);
	return kOk;
}

int TortureRun::journal_error(int error)
{
	if (!error)
		return kOk;
	const std::string &path = options_.torture.journal;
	return report_.fail(kLocalFile, "%s: %s",
			    path.empty() ? "the journal" : path.c_str(),
			    strerror(error));
}

int TortureRun::read_journal(TortureRecord *record)
{
	std::string text;
	int error = journal_->read(&text);
	std::string problem =
		error ? strerror(error) : parse_journal(text, record);
	if (!problem.empty())
		return report_.fail(kFailed, "the journal: %s",
				    problem.c_str());
	return kOk;
}

/* Returns when all initiators have ended. */
int TortureRun::operate(const TortureRound &round, const Options &options,
			TortureResult *result)
{
	journal_bytes_ = 0;
	last_progress_ = Clock::now();
	auto is_first = [&](size_t i) {
		return !i || round.actors[i - 1].initiator !=
				     round.actors[i].initiator;
	};
	for (size_t i = 0; i < round.actors.size(); i++)
		shared_->awaited += is_first(i);
	for (size_t i = 0; i < round.actors.size(); i++) {
		if (is_first(i))
			start(round, i, options);
	}
	while (!processes_.empty()) {
		int ret = await_any(result);
		if (ret) {
			processes_.clear();
			return ret;
		}
		for (auto one = processes_.begin(); one != processes_.end();) {
			if (!one->child.await(0)) {
				one++;
				continue;
			}
			Process ended = std::move(*one);
			one = processes_.erase(one);
			take_end(round, ended, options, result);
		}
	}
	return journal_error(journal_->save());
}

void TortureRun::start(const TortureRound &round, size_t actor,
		       const Options &options)
{
	pid_t pid = fork();
	if (!pid)
		become_initiator(round.actors[actor], round.signal, options);
	processes_.push_back({Child(pid), actor});
}

void TortureRun::become_initiator(const TortureActor &actor, int signal,
				  const Options &options)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	Report report("torture", false);
	int code = kFailed;
	try {
		Options own = options;
		own.depth = actor.depth;
		const uint8_t *base =
			medium_.empty() ? nullptr : medium_.data();
		TortureInitiator initiator(own, report, actor, salt_, base,
					   *journal_, *shared_);
		code = initiator.run(signal);
	} catch (const std::exception &error) {
		code = report.fail(kFailed, "%s", error.what());
	}
	if (code && !shared_->has_error.exchange(true))
		strncpy(shared_->error, report.error().c_str(),
			sizeof(shared_->error) - 1);
	_exit(code);
}

/*
 * Waits until an initiator has ended or a signal has come. Initiators
 * themselves end what takes too long, unless a call of the provider does not
 * return.
 */
int TortureRun::await_any(TortureResult *result)
{
	std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
	for (const Process &process : processes_)
		fds.push_back({process.child.fd(), POLLIN, 0});
	poll(fds.data(), fds.size(), 1000);
	int ret = journal_error(journal_->save());
	if (ret)
		return ret;
	if (int signal = signals_.take())
		return report_.fail(kSignalBase + signal, "interrupted by %s",
				    signal_name(signal).c_str());
	auto now = Clock::now();
	uint64_t bytes = journal_->size();
	if (std::exchange(journal_bytes_, bytes) != bytes)
		last_progress_ = now;
	if (now - last_progress_ <
	    std::chrono::seconds(2 * options_.stall_s + options_.timeout_s))
		return kOk;
	last_progress_ = now;
	for (Process &process : processes_) {
		result->hangs++;
		result->findings.push_back("hang: an initiator does not end: " +
					   process.child.threads());
		kill(process.child.pid(), SIGKILL);
	}
	return kOk;
}

void TortureRun::take_end(const TortureRound &round, const Process &process,
			  const Options &options, TortureResult *result)
{
	const TortureActor &actor = round.actors[process.actor];
	int status = process.child.status();
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	size_t next = process.actor + 1;
	if (killed && actor.dies) {
		if (next < round.actors.size() &&
		    round.actors[next].initiator == actor.initiator)
			start(round, next, options);
		return;
	}
	if (killed || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return;
	std::string who = "initiator " + std::to_string(actor.initiator);
	if (WIFEXITED(status) && WEXITSTATUS(status) == kHung)
		return; /* the journal says which operations */
	if (WIFEXITED(status) && !code_)
		code_ = WEXITSTATUS(status);
	result->errors++;
	result->findings.push_back(
		"error: " + who + ": " +
		(WIFSIGNALED(status)
			 ? "died of " + signal_name(WTERMSIG(status))
			 : std::string(shared_->error)));
}

void TortureRun::end_target(const TortureRound &round, LocalServer *server,
			    TortureResult *result)
{
	if (!shared_->ended.exchange(true))
		shared_->faults++;
	int status = server->end(round.signal);
	bool as_told =
		round.signal == SIGKILL
			? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
			: WIFEXITED(status) && !WEXITSTATUS(status);
	if (status == -1) {
		result->hangs++;
		result->findings.push_back("hang: the target does not end");
	} else if (!as_told) {
		result->errors++;
		result->findings.push_back(
			"error: the target ended " +
			(WIFSIGNALED(status)
				 ? "by " + signal_name(WTERMSIG(status))
				 : "with code " + std::to_string(WEXITSTATUS(
							  status))));
	}
}

} // namespace fi_pmem
