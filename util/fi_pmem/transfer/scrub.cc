/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transfer/scrub.hh"

#include "cli/overwrite.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/exit_codes.hh"
#include "transfer/scan.hh"
#include "transfer/sums.hh"

#include <cinttypes>

namespace fi_pmem
{

namespace
{

int save(const Options &options, Report &report)
{
	int ret = check_overwriting(report, options.save, options.force);
	if (ret)
		return ret;
	Signals signals;
	Connection connection(options, report, signals);
	Scan scan(options, report, connection);
	ret = connection.open();
	uint64_t length = ret ? 0
			      : connection.choose_length(options.offset,
							 options.length, 1);
	if (!ret)
		ret = connection.check_range(options.offset, length, "scrub");
	if (!ret)
		ret = scan.open();
	SumsWriter sums(options.save, report);
	if (!ret)
		ret = sums.open({options.digest, options.digest_block,
				 options.offset, length});
	if (ret)
		return ret;
	ret = scan.run(length, sums, "cannot be read; nothing was saved");
	if (ret)
		return ret;
	ret = sums.finish();
	if (!ret)
		report.say("saved the digests of %s offset %" PRIu64
			   " in %s: %s",
			   connection.peer().c_str(), options.offset,
			   options.save.c_str(), scan.summary(length).c_str());
	return ret;
}

/* Checks that digest, blocks and place are those that were saved. */
int compare(const Options &asked, Report &report)
{
	SumsReader sums(asked.against, report);
	int ret = sums.open();
	if (ret)
		return ret;
	Options options = asked;
	uint64_t length = sums.head().length;
	options.digest = sums.head().digest;
	options.digest_block = sums.head().block;
	options.offset = sums.head().offset;
	Signals signals;
	Connection connection(options, report, signals);
	Scan scan(options, report, connection);
	ret = scan.connect(length, asked.against.c_str());
	if (ret)
		return ret;
	ret = scan.run(length, sums, "differ from " + asked.against);
	if (!ret)
		ret = sums.finish();
	if (ret)
		return ret;
	report.say("%s is as %s has it: %s", connection.peer().c_str(),
		   asked.against.c_str(), scan.summary(length).c_str());
	return kOk;
}

} // namespace

int run_scrub(const Options &options, Report &report)
{
	report.set("sums",
		   options.save.empty() ? options.against : options.save);
	return options.save.empty() ? compare(options, report)
				    : save(options, report);
}

} // namespace fi_pmem
