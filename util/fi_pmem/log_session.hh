/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A connection to fi_pmem serve as the log library wants it, and its errors as
 * exit codes.
 */
#pragma once

#include <ofi_pmem/log.hh>

#include "connection.hh"

namespace fi_pmem
{

class LogSession
{
public:
	LogSession(const Options &options, Report &report)
		: options_(options), report_(report),
		  connection_(options, report)
	{
	}

	/* Connects, and finds where the log is or is to be. */
	[[nodiscard]] int open();

	/* Makes an empty log there. */
	[[nodiscard]] int create();

	[[nodiscard]] ofi_pmem_log::Path path();
	[[nodiscard]] const ofi_pmem_log::Place &place() const
	{
		return place_;
	}
	[[nodiscard]] Connection &connection() { return connection_; }

	/* Tells Report what the library answered; an exit code. */
	[[nodiscard]] int fail(const char *what, int ret,
			       const std::string &text);

private:
	const Options &options_;
	Report &report_;
	Connection connection_;
	ofi_pmem_log::Place place_;
};

/*
 * A writer and its session's endpoint, which ends first: then nothing is in
 * flight into the writer's memory.
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
[[nodiscard]] int run_bench(const Options &options, Report &report,
			    LogSession &session);

} // namespace fi_pmem
