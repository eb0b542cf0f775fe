/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A connection to fi_pmem serve for the log library, whose errors it turns into
 * exit codes.
 */
#pragma once

#include "cli/options.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/connection.hh"

#include <ofi_pmem/log.hh>

namespace fi_pmem
{

class LogSession
{
public:
	LogSession(const Options &options, Report &report)
		: options_(options), report_(report),
		  connection_(options, report, signals_)
	{
	}

	/* Nothing may be in flight into our memory when that goes. */
	~LogSession() { connection_.close(); }
	LogSession(const LogSession &) = delete;
	LogSession &operator=(const LogSession &) = delete;

	/*
	 * Connects, and finds out where the log is or will be. Returns an exit
	 * code.
	 */
	[[nodiscard]] int open();

	/*
	 * Becomes the only writer of that place; with --takeover it takes the
	 * place over from another one. Called before anything is read of a log
	 * that will be written. Returns an exit code.
	 */
	[[nodiscard]] int claim();

	/* Makes an empty log there. Returns an exit code. */
	[[nodiscard]] int create();

	[[nodiscard]] ofi_pmem_log::Path path();
	[[nodiscard]] const ofi_pmem_log::Place &place() const
	{
		return place_;
	}
	[[nodiscard]] Connection &connection() { return connection_; }

	/* Reports what the library answered; returns an exit code. */
	[[nodiscard]] int fail(const char *what, int ret,
			       const std::string &text);

private:
	[[nodiscard]] int check_place();
	[[nodiscard]] int send_claim(uint32_t flags, Clock::time_point deadline,
				     DescriptorBytes *answer);
	[[nodiscard]] int await_answer(const ClaimBytes &claim,
				       Clock::time_point deadline);
	[[nodiscard]] int refused(const Denial &denial);
	/* Returns who has taken our claim over; empty if nobody has. */
	[[nodiscard]] std::string find_successor(int ret);

	const Options &options_;
	Report &report_;
	Signals signals_;
	Connection connection_;
	ofi_pmem_log::Place place_;
	bool claimed_ = false;
	/* The answer to a claim arrives here. */
	DescriptorBytes received_{};
	fi_context2 context_{};
	FidPtr<fid_mr> mr_;
};

/*
 * A writer on a session. The session's endpoint ends first, so that nothing is
 * in flight into the writer's memory.
 */
class SessionWriter
{
public:
	SessionWriter(LogSession &session, const ofi_pmem_log::Options &options)
		: session_(session),
		  writer_(session.path(), session.place(), options)
	{
	}
	~SessionWriter() { session_.connection().close(); }
	SessionWriter(const SessionWriter &) = delete;
	SessionWriter &operator=(const SessionWriter &) = delete;

	ofi_pmem_log::Writer *operator->() { return &writer_; }

private:
	LogSession &session_;
	ofi_pmem_log::Writer writer_;
};

[[nodiscard]] int run_append(const Options &options, Report &report,
			     LogSession &session);
[[nodiscard]] int run_tail(const Options &options, Report &report,
			   LogSession &session);
[[nodiscard]] int run_dump(const Options &options, Report &report,
			   LogSession &session);
[[nodiscard]] int run_log_bench(const Options &options, Report &report,
				LogSession &session);

} // namespace fi_pmem
