/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * One run of fi_pmem torture: its rounds, the processes in each, and what is
 * found on the medium afterwards.
 */
#pragma once

#include "serve/child.hh"
#include "torture/actor.hh"
#include "torture/model.hh"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fi_pmem
{

struct Options;
class LocalServer;
class Place;

struct TortureResult {
	uint64_t operations = 0; /* posted */
	uint64_t commits = 0;	 /* and flushes; those acknowledged */
	uint64_t faults = 0;
	uint64_t checked_bytes = 0;
	uint64_t lost_bytes = 0;
	uint64_t wrong_reads = 0;
	uint64_t errors = 0; /* those that nothing explains */
	uint64_t hangs = 0;
	int first_error = 0; /* an operation's, positive fi_errno */
	std::vector<std::string> findings; /* a sentence each */

	/* Returns the exit code of what is worst. */
	[[nodiscard]] int code() const;
	void add(const TortureResult &other);
	/* Keeps the first error that is not 0. */
	void note_error(int error);
	/* Adds what a round's journal and medium show. */
	void take(const TortureRound &round, const TortureRecord &record,
		  const uint8_t *base, const uint8_t *found);
};

class TortureRun
{
public:
	/* All must outlive this object. */
	TortureRun(const Options &options, Report &report, Signals &signals)
		: options_(options), report_(report), signals_(signals)
	{
	}

	/*
	 * Runs with a target of its own. Returns an exit code if it could not
	 * be run.
	 */
	[[nodiscard]] int run(const TorturePlan &plan, const Place &place,
			      TortureResult *result);

	/* Runs on --target, where no medium can be checked. */
	[[nodiscard]] int run_remote(const TorturePlan &plan,
				     TortureResult *result);

private:
	struct Process {
		Child child;
		size_t actor; /* an index */
	};

	[[nodiscard]] int run_round(const TorturePlan &plan,
				    const TortureRound &round,
				    const Place &place, TortureResult *result);
	/* Returns the options besides those that LocalServer gives. */
	[[nodiscard]] std::vector<std::string>
	serve_options(const Place &place) const;
	[[nodiscard]] int prepare(const TorturePlan &plan);
	[[nodiscard]] int operate(const TortureRound &round,
				  const Options &options,
				  TortureResult *result);
	void start(const TortureRound &round, size_t actor,
		   const Options &options);
	[[noreturn]] void become_initiator(const TortureActor &actor,
					   int signal, const Options &options);
	[[nodiscard]] int await_any(TortureResult *result);
	void take_end(const TortureRound &round, const Process &process,
		      const Options &options, TortureResult *result);
	void end_target(const TortureRound &round, LocalServer *server,
			TortureResult *result);
	[[nodiscard]] int journal_error(int error);
	[[nodiscard]] int read_journal(TortureRecord *record);

	struct Unmap {
		void operator()(TortureShared *shared) const;
	};

	const Options &options_;
	Report &report_;
	Signals &signals_;
	std::vector<uint8_t> medium_; /* content when it was last looked at */
	std::optional<uint64_t> grow_to_; /* bytes; nothing for a device */
	uint64_t salt_ = 0;
	std::unique_ptr<TortureJournal> journal_;
	std::unique_ptr<TortureShared, Unmap> shared_;
	std::list<Process> processes_;
	int code_ = 0; /* that of the first initiator that failed */
	uint64_t journal_bytes_ = 0;
	Clock::time_point last_progress_;
};

/*
 * Reads `bytes` from the beginning of a file or device of its own. What a file
 * lacks of `size` is read as zeros, and the file stays as it is. Returns an
 * exit code.
 */
[[nodiscard]] int read_medium(Report &report, const std::string &path,
			      std::optional<uint64_t> size, uint64_t bytes,
			      std::vector<uint8_t> *medium);

} // namespace fi_pmem
