/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/verify.hh"

#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"
#include "transfer/local_digests.hh"
#include "transfer/scan.hh"
#include "transfer/source_file.hh"

#include <cinttypes>

namespace fi_pmem
{

int run_verify(const Options &options, Report &report)
{
	SourceFile file(options.file, report);
	int ret = file.open();
	if (ret)
		return ret;
	Signals signals;
	Connection connection(options, report, signals);
	Scan scan(options, report, connection);
	LocalDigests digests(file);
	ret = digests.open(options, report, scan);
	if (ret)
		return ret;
	report.set("file", options.file);
	ret = scan.run(file.bytes(), digests, "differ from " + options.file);
	if (ret)
		return ret;
	report.say("%s offset %" PRIu64 " is the same as %s: %s",
		   connection.peer().c_str(), options.offset,
		   options.file.c_str(), scan.summary(file.bytes()).c_str());
	return kOk;
}

} // namespace fi_pmem
