/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The range and the result of a get.
 */
#include "transfer/get.hh"

#include "cli/progress_bar.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"
#include "transfer/output_file.hh"
#include "transfer/transfer.hh"

#include <cinttypes>

namespace fi_pmem
{

int run_get(const Options &options, Report &report)
{
	if (options.file == "-")
		report.keep_stdout_clean();
	OutputFile output(options.file, report);
	Signals signals;
	Connection connection(options, report, signals);
	int ret = connection.open();
	uint64_t length = ret ? 0
			      : connection.choose_length(options.offset,
							 options.length, 1);
	if (!ret)
		ret = connection.check_range(options.offset, length, "get");
	if (!ret)
		ret = output.open();
	if (ret)
		return ret;
	output.watch(&signals);
	Transfer transfer(options, report, connection);
	ProgressBar bar("get", length, !options.json);
	ret = transfer.run(Direction::read, length, output, bar);
	if (!ret)
		ret = output.finish();
	if (ret)
		return ret;
	double rate = static_cast<double>(length) /
		      std::max(transfer.seconds(), 1e-9);
	report.set("file", options.file);
	report.set("peer", connection.peer());
	report.set("provider", connection.provider());
	report.set("offset", options.offset);
	report.set("bytes", length);
	report.set("seconds", transfer.seconds());
	report.set("bytes_per_second", rate);
	report.say("get %s offset %" PRIu64 " to %s (%" PRIu64
		   " bytes) in %.3f s, %s/s",
		   connection.peer().c_str(), options.offset,
		   options.file.c_str(), length, transfer.seconds(),
		   human_bytes(rate).c_str());
	return kOk;
}

} // namespace fi_pmem
