/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log.hh"

#include <rdma/fi_errno.h>

#include "exit_codes.hh"
#include "log_session.hh"
#include "report.hh"

namespace fi_pmem
{

int LogSession::open()
{
	int ret = connection_.open();
	if (ret)
		return ret;
	const Descriptor &region = connection_.region();
	place_.addr = region.address + options_.offset;
	place_.len = connection_.choose_length(ofi_pmem_log::kMinPlace);
	place_.key = region.key;
	place_.timeout_ms = static_cast<int>(options_.stall_s) * 1000;
	report_.set("peer", connection_.peer());
	report_.set("provider", connection_.provider());
	report_.set("offset", options_.offset);
	return connection_.check_range(place_.len, "a log");
}

ofi_pmem_log::Path LogSession::path()
{
	Fabric &fabric = connection_.fabric();
	return {connection_.info(), fabric.domain(), connection_.ep(),
		fabric.cq()};
}

int LogSession::create()
{
	std::string text;
	int ret = ofi_pmem_log::create(path(), place_, &text);
	return ret ? fail("cannot make a log", ret, text) : kOk;
}

int LogSession::fail(const char *what, int ret, const std::string &text)
{
	const char *peer = connection_.peer().c_str();
	if (ret == -FI_EINVAL || ret == -FI_ENOSPC || ret == -FI_EMSGSIZE)
		return report_.fail(kNoRoom, "%s at %s: %s", what, peer,
				    text.c_str());
	if (ret == -FI_ENODATA)
		return report_.fail(kFailed,
				    "%s at %s: %s; append --create makes one",
				    what, peer, text.c_str());
	if (connection_.is_lost())
		return report_.fail(kFailed, "lost the connection to %s (%s)",
				    peer, text.c_str());
	return report_.fail(kFailed, "%s at %s: %s", what, peer, text.c_str());
}

int run_log(const Options &options, Report &report)
{
	LogSession session(options, report);
	int ret = session.open();
	if (ret)
		return ret;
	switch (options.log.action) {
	case LogOptions::Action::append:
		return run_append(options, report, session);
	case LogOptions::Action::tail:
		return run_tail(options, report, session);
	case LogOptions::Action::dump:
		return run_dump(options, report, session);
	case LogOptions::Action::bench:
		break;
	}
	return run_bench(options, report, session);
}

} // namespace fi_pmem
