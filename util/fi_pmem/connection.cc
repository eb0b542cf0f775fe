/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Connecting, and telling apart who is to blame if it fails: the way there
 * (exit code 3) or what answered (exit code 4).
 */
#include "connection.hh"

#include <cinttypes>

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include "exit_codes.hh"
#include "report.hh"

namespace fi_pmem
{

namespace
{

const char *refusal_text(Refusal reason)
{
	switch (reason) {
	case Refusal::not_fi_pmem:
		return "it did not see a fi_pmem client";
	case Refusal::version:
		return "it speaks another version of the protocol";
	case Refusal::busy:
		return "it is out of resources";
	case Refusal::interface:
		return "it serves on another network interface; --bind there "
		       "chooses one";
	default:
		return "for a reason unknown to this version";
	}
}

} // namespace

int Connection::open()
{
	peer_ = format_address(options_.peer);
	Target target{options_.provider, options_.peer.host, options_.peer.port,
		      false};
	int ret = find_info(report_, target, &info_);
	if (!ret)
		ret = signals_.open(report_);
	if (!ret)
		ret = fabric_.open(report_, signals_, info_.get(),
				   options_.depth + 16);
	if (ret)
		return ret;
	ret = fabric_.open_endpoint(info_.get(), &ep_);
	if (ret)
		return report_.fail(kFailed, "cannot open an endpoint: %s",
				    fi_strerror(-ret));
	HelloBytes hello = encode_hello();
	ret = fi_connect(ep_.get(), info_->dest_addr, hello.data(),
			 hello.size());
	if (ret)
		return report_.fail(kUnreachable, "cannot connect to %s: %s",
				    peer_.c_str(), fi_strerror(-ret));
	return await_answer();
}

int Connection::await_answer()
{
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	EventBuffer buffer;
	EventError error;
	uint32_t event = 0;
	for (;;) {
		ssize_t ret = fabric_.next_event(&event, &buffer, &error);
		if (ret < 0)
			return explain(error);
		if (ret && event == FI_CONNECTED) {
			auto bytes = static_cast<size_t>(ret);
			size_t head = sizeof(fi_eq_cm_entry);
			return take_answer(buffer.entry(),
					   bytes > head ? bytes - head : 0);
		}
		if (ret && event == FI_SHUTDOWN)
			return report_.fail(kUnreachable,
					    "%s closed the connection",
					    peer_.c_str());
		if (int signal = signals_.take())
			return report_.fail(kSignalBase + signal,
					    "interrupted while connecting");
		auto left = std::chrono::ceil<std::chrono::milliseconds>(
			deadline - Clock::now());
		if (left.count() <= 0)
			return report_.fail(kUnreachable,
					    "%s did not answer within %u s",
					    peer_.c_str(), options_.timeout_s);
		if (!ret)
			fabric_.wait(static_cast<int>(left.count()));
	}
}

int Connection::take_answer(const fi_eq_cm_entry &entry, size_t data_bytes)
{
	switch (decode_descriptor(entry.data, data_bytes, &region_)) {
	case Head::ok:
		return kOk;
	case Head::other_version:
		return report_.fail(kRefused,
				    "%s speaks another version of the fi_pmem "
				    "protocol than %u",
				    peer_.c_str(), unsigned{kProtocolVersion});
	default:
		return report_.fail(kRefused, "%s is not fi_pmem serve",
				    peer_.c_str());
	}
}

int Connection::explain(const EventError &error)
{
	Refusal reason = decode_refusal(error.private_data.data(),
					error.private_data.size());
	if (reason != Refusal::none)
		return report_.fail(kRefused, "%s refuses: %s", peer_.c_str(),
				    refusal_text(reason));
	if (!error.private_data.empty() || error.error == FI_ENOPROTOOPT)
		return report_.fail(kRefused, "%s is not fi_pmem serve (%s)",
				    peer_.c_str(), fi_strerror(error.error));
	return report_.fail(kUnreachable,
			    "cannot connect to %s: %s (provider %s; the peer "
			    "must serve with the same)",
			    peer_.c_str(), fi_strerror(error.error),
			    provider());
}

bool Connection::is_lost()
{
	EventBuffer buffer;
	EventError error;
	uint32_t event = 0;
	ssize_t ret;
	while ((ret = fabric_.next_event(&event, &buffer, &error)) != 0)
		lost_ = lost_ || ret < 0 || event == FI_SHUTDOWN;
	return lost_;
}

int Connection::open_extension(fi_ops_pmem_ep **ops)
{
	void *opened = nullptr;
	if (fi_open_ops(&ep_->fid, FI_PMEM_EP_OPS, 0, &opened, nullptr))
		return report_.fail(kFailed,
				    "provider %s cannot verify: it needs "
				    "ofi_pmem",
				    provider());
	*ops = static_cast<fi_ops_pmem_ep *>(opened);
	return kOk;
}

int Connection::query(fi_pmem_region_attr *attr)
{
	fi_ops_pmem_ep *ops = nullptr;
	int ret = open_extension(&ops);
	if (ret)
		return ret;
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	attr->size = sizeof(*attr);
	while ((ret = ops->query(ep_.get(), FI_ADDR_UNSPEC, region_.key,
				 attr)) == -FI_EAGAIN) {
		if (Clock::now() >= deadline)
			return report_.fail(kUnreachable,
					    "%s did not describe its region "
					    "within %u s",
					    peer_.c_str(), options_.timeout_s);
		if (int signal = signals_.take())
			return report_.fail(kSignalBase + signal,
					    "interrupted while connecting");
		fabric_.wait(1);
		static_cast<void>(fi_cq_read(fabric_.cq(), nullptr, 0));
	}
	if (ret)
		return report_.fail(kFailed,
				    "cannot query the region of %s: %s",
				    peer_.c_str(), fi_strerror(-ret));
	return kOk;
}

uint64_t Connection::choose_length(uint64_t least) const
{
	uint64_t offset = options_.offset;
	uint64_t rest =
		offset < region_.length ? region_.length - offset : least;
	return options_.length.value_or(rest);
}

int Connection::check_range(uint64_t length, const char *what) const
{
	uint64_t offset = options_.offset;
	if (offset <= region_.length && length <= region_.length - offset)
		return kOk;
	if (offset)
		return report_.fail(kNoRoom,
				    "region holds %" PRIu64 " bytes, %s needs "
				    "%" PRIu64 " from offset %" PRIu64,
				    region_.length, what, length, offset);
	return report_.fail(kNoRoom,
			    "region holds %" PRIu64 " bytes, %s needs %" PRIu64,
			    region_.length, what, length);
}

} // namespace fi_pmem
