/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "info/probe.hh"

#include "cli/options.hh"
#include "cli/report.hh"
#include "cli/signals.hh"
#include "client/connection.hh"
#include "client/exit_codes.hh"
#include "serve/local_server.hh"

#include <filesystem>

namespace fi_pmem
{

int probe(const Options &asked, Report &report, const std::string &where,
	  Probe *found)
{
	constexpr uint64_t kBytes = 64 << 10;
	std::error_code failure;
	if (std::filesystem::is_regular_file(where, failure))
		return report.fail(kLocalFile,
				   "%s: is a file; its directory can be tried",
				   where.c_str());
	Place place(where, kBytes);
	LocalServer server(asked, report);
	int ret = place.find(report);
	if (!ret)
		ret = place.claim(report, true);
	if (!ret)
		ret = server.start(place, asked.provider);
	if (ret)
		return ret;
	Options options = asked;
	options.provider = server.provider();
	if (!parse_address(server.address(), &options.peer))
		return report.fail(kFailed, "%s is not an address",
				   server.address().c_str());
	Signals signals;
	Connection connection(options, report, signals);
	ret = connection.open();
	if (!ret)
		ret = connection.query(&found->attr);
	if (ret)
		return ret;
	found->provider = server.provider();
	found->reason = found->attr.reason;
	return kOk;
}

} // namespace fi_pmem
