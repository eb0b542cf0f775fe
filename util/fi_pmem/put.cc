/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The result of a put.
 */
#include "put.hh"

#include <cinttypes>
#include <cstring>

#include "exit_codes.hh"
#include "progress_bar.hh"
#include "report.hh"
#include "source_file.hh"
#include "transfer.hh"

namespace fi_pmem
{

namespace
{

/* Plain providers commit to processor caches; a file needs more. */
bool makes_files_durable(const Connection &connection)
{
	return strstr(connection.provider(), "ofi_pmem") != nullptr;
}

const char *state_text(const Options &options, const Connection &connection)
{
	if (!options.commit)
		return "NOT durable (--no-commit)";
	if (options.verify)
		return "durable, and read back as written";
	return makes_files_durable(connection) ? "durable" : "committed";
}

void tell_result(Report &report, const Options &options,
		 const Connection &connection, const Transfer &transfer)
{
	auto bytes = static_cast<double>(transfer.done_bytes());
	double rate = bytes / std::max(transfer.seconds(), 1e-9);
	report.set("seconds", transfer.seconds());
	report.set("bytes_per_second", rate);
	report.say("put %s (%" PRIu64 " bytes) to %s offset %" PRIu64
		   " in %.3f s, %s/s: %s",
		   options.file.c_str(), transfer.done_bytes(),
		   connection.peer().c_str(), options.offset,
		   transfer.seconds(), human_bytes(rate).c_str(),
		   state_text(options, connection));
}

/* What became durable before the failure is worth as much as the reason. */
void tell_prefix(Report &report, const Options &options,
		 const Connection &connection, const Transfer &transfer,
		 uint64_t total)
{
	report.say("the first %" PRIu64 " of %" PRIu64 " bytes are %s",
		   transfer.done_bytes(), total,
		   state_text(options, connection));
}

} // namespace

int run_put(const Options &options, Report &report)
{
	SourceFile source(options.file, report);
	int ret = source.open();
	if (ret)
		return ret;
	Connection connection(options, report);
	ret = connection.open();
	if (!ret)
		ret = connection.check_range(source.bytes(),
					     options.file.c_str());
	if (ret)
		return ret;
	if (options.verify && !makes_files_durable(connection))
		return report.fail(kFailed,
				   "provider %s cannot verify: it needs "
				   "ofi_pmem",
				   connection.provider());
	if (options.commit && !makes_files_durable(connection))
		report.warn("provider %s flushes processor caches only: in an "
			    "ordinary file nothing becomes durable",
			    connection.provider());
	report.set("file", options.file);
	report.set("peer", connection.peer());
	report.set("provider", connection.provider());
	report.set("offset", options.offset);
	report.set("bytes", source.bytes());
	report.set("committed", options.commit);
	Transfer transfer(options, report, connection);
	ProgressBar bar("put", source.bytes(), !options.json);
	ret = transfer.run(Direction::write, source.bytes(), source, bar);
	bool durable = options.commit && makes_files_durable(connection);
	report.set("done_bytes", transfer.done_bytes());
	report.set("durable_bytes", durable ? transfer.done_bytes() : 0);
	report.set("durable", durable && !ret);
	if (options.verify)
		report.set("verified", !ret);
	if (ret)
		tell_prefix(report, options, connection, transfer,
			    source.bytes());
	else
		tell_result(report, options, connection, transfer);
	return ret;
}

} // namespace fi_pmem
