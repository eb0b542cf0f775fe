/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/log.hh"

#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "log/session.hh"

#include <rdma/fi_errno.h>

#include <cinttypes>

namespace fi_pmem
{

int LogSession::open()
{
	int ret = connection_.open();
	if (ret)
		return ret;
	const Descriptor &region = connection_.region();
	place_.addr = region.address + options_.offset;
	place_.len = connection_.choose_length(options_.offset, options_.length,
					       ofi_pmem_log::kMinPlace);
	place_.key = region.key;
	place_.timeout_ms = static_cast<int>(options_.stall_s) * 1000;
	report_.set("peer", connection_.peer());
	report_.set("provider", connection_.provider());
	report_.set("offset", options_.offset);
	ret = connection_.check_range(options_.offset, place_.len, "a log");
	return ret ? ret : check_place();
}

/*
 * Checks --offset in the region, not in the part that is claimed, which begins
 * at 0.
 */
int LogSession::check_place()
{
	constexpr uint64_t kAlignment = 64;
	if (place_.len >= ofi_pmem_log::kMinPlace &&
	    options_.offset % kAlignment == 0)
		return kOk;
	return report_.fail(kNoRoom,
			    "a log of %" PRIu64 " bytes at offset %" PRIu64
			    ": must be at least %" PRIu64
			    ", at a multiple of %" PRIu64,
			    place_.len, options_.offset,
			    ofi_pmem_log::kMinPlace, kAlignment);
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
	if (Connection::is_refusal(-ret))
		return connection_.refused(-ret,
					   std::string(what) + ": " + text);
	std::string successor = claimed_ ? find_successor(ret) : "";
	if (!successor.empty())
		return report_.fail(kRefused,
				    "the log at %s was taken over by another "
				    "writer, %s (%s)",
				    peer, successor.c_str(), text.c_str());
	return report_.fail(kFailed, "%s at %s: %s", what, peer, text.c_str());
}

int run_log(const Options &options, Report &report)
{
	LogSession session(options, report);
	using Action = LogOptions::Action;
	Action action = options.log.action;
	int ret = session.open();
	if (ret)
		return ret;
	switch (action) {
	case Action::append:
		return run_append(options, report, session);
	case Action::tail:
		return run_tail(options, report, session);
	case Action::dump:
		return run_dump(options, report, session);
	case Action::bench:
		break;
	}
	return run_log_bench(options, report, session);
}

} // namespace fi_pmem
