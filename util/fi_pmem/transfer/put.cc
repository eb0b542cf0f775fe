/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The source of a put, and its result.
 */
#include "transfer/put.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"
#include "transfer/resume.hh"
#include "transfer/source_file.hh"
#include "transfer/source_pipe.hh"
#include "transfer/transfer.hh"

#include <cinttypes>
#include <optional>

namespace fi_pmem
{

namespace
{

const char *state_text(const Options &options, const Connection &connection)
{
	if (!options.commit)
		return "NOT durable (--no-commit)";
	if (options.verify)
		return "durable, and read back as written";
	return connection.makes_files_durable() ? "durable" : "committed";
}

/* The bytes come from a file, or from standard input. */
struct Source {
	Source(const Options &options, Report &report)
		: file(options.file, report)
	{
	}

	[[nodiscard]] BlockStream &stream()
	{
		if (pipe)
			return *pipe;
		return file;
	}

	SourceFile file;
	std::optional<SourcePipe> pipe;
	uint64_t bytes = 0; /* 0: until its end */
};

void tell_result(Report &report, const Options &options,
		 const Connection &connection, const Transfer &transfer,
		 uint64_t resumed)
{
	auto bytes = static_cast<double>(transfer.done_bytes() - resumed);
	double rate = bytes / std::max(transfer.seconds(), 1e-9);
	report.set("seconds", transfer.seconds());
	report.set("bytes_per_second", rate);
	std::string text;
	if (options.resume)
		text = "; " + std::to_string(resumed) + " bytes were there";
	report.say(
		"put %s (%" PRIu64 " bytes) to %s offset %" PRIu64
		" in %.3f s, %s/s: %s%s",
		options.file == "-" ? "standard input" : options.file.c_str(),
		transfer.done_bytes(), connection.peer().c_str(),
		options.offset, transfer.seconds(), human_bytes(rate).c_str(),
		state_text(options, connection), text.c_str());
}

/*
 * Reports what became durable before the failure, which matters as much as the
 * reason.
 */
void tell_prefix(Report &report, const Options &options,
		 const Connection &connection, const Transfer &transfer,
		 uint64_t total)
{
	std::string of = total ? " of " + std::to_string(total) : "";
	report.say("the first %" PRIu64 "%s bytes are %s",
		   options.commit ? transfer.durable_bytes()
				  : transfer.done_bytes(),
		   of.c_str(), state_text(options, connection));
}

int open_pipe(const Options &options, Report &report,
	      const Connection &connection, Source *source)
{
	int ret = connection.check_range(
		options.offset, options.length.value_or(1), "standard input");
	if (ret)
		return ret;
	source->bytes = options.length.value_or(0);
	source->pipe.emplace(report, options.source_offset, options.length,
			     connection.region().length - options.offset);
	return kOk;
}

int check_provider(const Options &options, Connection &connection)
{
	fi_ops_pmem_ep *ops = nullptr;
	int ret = options.verify ? connection.open_extension(&ops) : int{kOk};
	if (ret)
		return ret;
	if (options.commit)
		connection.warn_if_not_durable();
	return kOk;
}

int put(const Options &options, Report &report, Connection &connection,
	Source &source, uint64_t resumed)
{
	report.set("file", options.file);
	report.set("peer", connection.peer());
	report.set("provider", connection.provider());
	report.set("offset", options.offset);
	report.set("committed", options.commit);
	if (options.resume)
		report.set("resumed_bytes", resumed);
	Transfer transfer(options, report, connection);
	transfer.resume_behind(resumed);
	ProgressBar bar("put", source.bytes, !options.json);
	bar.skip(resumed);
	uint64_t most = source.pipe ? source.pipe->most() : source.bytes;
	int ret = transfer.run(Direction::write, most, source.stream(), bar);
	bool durable = options.commit && connection.makes_files_durable();
	if (source.bytes || !ret)
		report.set("bytes",
			   source.bytes ? source.bytes : transfer.done_bytes());
	report.set("done_bytes", transfer.done_bytes());
	report.set("durable_bytes",
		   durable ? transfer.durable_bytes() : uint64_t{0});
	report.set("durable", durable && !ret);
	if (options.verify)
		report.set("verified", !ret);
	if (ret)
		tell_prefix(report, options, connection, transfer,
			    source.bytes);
	else
		tell_result(report, options, connection, transfer, resumed);
	return ret;
}

} // namespace

int run_put(const Options &options, Report &report)
{
	Source source(options, report);
	bool standard = options.file == "-";
	int ret = standard ? int{kOk}
			   : source.file.open(options.source_offset,
					      options.length);
	if (ret)
		return ret;
	source.bytes = source.file.bytes();
	uint64_t resumed = 0;
	if (options.resume)
		ret = find_common_prefix(options, report, source.file,
					 &resumed);
	if (ret)
		return ret;
	Signals signals;
	Connection connection(options, report, signals);
	ret = connection.open();
	if (!ret && standard)
		ret = open_pipe(options, report, connection, &source);
	else if (!ret)
		ret = connection.check_range(options.offset, source.bytes,
					     options.file.c_str());
	if (!ret)
		ret = check_provider(options, connection);
	return ret ? ret : put(options, report, connection, source, resumed);
}

} // namespace fi_pmem
