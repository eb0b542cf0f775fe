/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Claims the place of a log at fi_pmem serve; see private_data.hh.
 */
#include "cli/report.hh"
#include "client/exit_codes.hh"
#include "log/session.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <netinet/in.h>
#include <unistd.h>

#include <cinttypes>
#include <cstring>
#include <thread>

namespace fi_pmem
{

namespace
{

/*
 * For this long a writer that has just ended may still hold a place: the server
 * learns of its end by another connection than ours.
 */
constexpr std::chrono::seconds kLeaving{2};
constexpr std::chrono::milliseconds kBetweenClaims{50};

std::string describe(const Holder &holder)
{
	sockaddr_storage address{};
	if (holder.family == 4) {
		auto in = reinterpret_cast<sockaddr_in *>(&address);
		in->sin_family = AF_INET;
		in->sin_port = htons(holder.port);
		std::memcpy(&in->sin_addr, holder.address.data(),
			    sizeof(in->sin_addr));
	} else if (holder.family == 6) {
		auto in6 = reinterpret_cast<sockaddr_in6 *>(&address);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(holder.port);
		std::memcpy(&in6->sin6_addr, holder.address.data(),
			    holder.address.size());
	}
	return "process " + std::to_string(holder.process) + " at " +
	       format_address(&address);
}

} // namespace

/* Returns 0, the exit code of a signal that came, or a negative fi_errno. */
int LogSession::await_answer(const ClaimBytes &claim,
			     Clock::time_point deadline)
{
	Fabric &fabric = connection_.fabric();
	int ret = Fabric::post_receive(connection_.ep(), received_.data(),
				       received_.size(), mr_.get(), &context_);
	for (bool asked = false; !ret; fabric.wait(1)) {
		ssize_t sent =
			asked ? 0
			      : fi_inject(connection_.ep(), claim.data(),
					  claim.size(), connection_.address());
		asked = !sent;
		if (sent && sent != -FI_EAGAIN)
			return static_cast<int>(sent);
		/*
		 * Completions other than ours are those of a writer that has
		 * failed.
		 */
		fi_cq_err_entry failed{};
		fi_cq_entry entry{};
		ssize_t read = fi_cq_read(fabric.cq(), &entry, 1);
		if (read == 1 && entry.op_context == &context_)
			return 0;
		if (read == -FI_EAVAIL &&
		    fi_cq_readerr(fabric.cq(), &failed, 0) > 0 &&
		    failed.op_context == &context_)
			return -failed.err;
		if (connection_.is_lost())
			return -FI_ECONNRESET;
		if (int signal = connection_.interrupt().take())
			return report_.fail(kSignalBase + signal,
					    "interrupted by %s",
					    signal_name(signal).c_str());
		if (Clock::now() >= deadline)
			return -FI_ETIMEDOUT;
	}
	return ret;
}

/* Gets an answer. Returns kOk whatever it says, or an exit code. */
int LogSession::send_claim(uint32_t flags, Clock::time_point deadline,
			   DescriptorBytes *answer)
{
	Claim claim;
	claim.flags = flags;
	claim.process = static_cast<uint32_t>(getpid());
	claim.offset = options_.offset;
	claim.length = place_.len;
	int ret = 0;
	if (!mr_)
		ret = connection_.fabric().register_local(
			received_.data(), received_.size(), FI_RECV, &mr_);
	if (!ret)
		ret = await_answer(encode_claim(claim), deadline);
	if (ret >= 0) {
		*answer = received_;
		return ret;
	}
	return report_.fail(kUnreachable,
			    "%s does not say whether the log may be written: "
			    "%s",
			    connection_.peer().c_str(), fi_strerror(-ret));
}

int LogSession::refused(const Denial &denial)
{
	const char *peer = connection_.peer().c_str();
	switch (denial.reason) {
	case Denial::Reason::in_use:
		return report_.fail(kRefused,
				    "the log at %s has a writer, %s, since "
				    "%" PRIu32 " s: append --takeover ends its "
				    "access",
				    peer, describe(denial.holder).c_str(),
				    denial.seconds);
	case Denial::Reason::range:
		return report_.fail(kNoRoom, "%s: no such part of the region",
				    peer);
	case Denial::Reason::unconnected:
	case Denial::Reason::failed:
		break;
	}
	return report_.fail(kFailed,
			    "%s cannot make this the only writer of the log: "
			    "%s",
			    peer, fi_strerror(denial.error));
}

int LogSession::claim()
{
	const char *peer = connection_.peer().c_str();
	int writable = connection_.check_writable("cannot write a log");
	if (writable)
		return writable;
	connection_.warn_if_not_durable();
	if (!(connection_.region().flags & Descriptor::kClaims))
		return report_.fail(kRefused,
				    "%s is an older fi_pmem serve, which "
				    "cannot keep a second writer from a log",
				    peer);
	auto begin = Clock::now();
	auto deadline = begin + std::chrono::seconds(options_.timeout_s);
	auto patience = std::min(begin + kLeaving, deadline);
	DescriptorBytes answer{};
	Denial denial;
	for (;;) {
		int ret =
			send_claim(options_.log.takeover ? Claim::kTakeover : 0,
				   deadline, &answer);
		if (ret)
			return ret;
		bool denied = decode_denial(answer, &denial) == Head::ok;
		if (!denied)
			break;
		if (denial.reason != Denial::Reason::in_use ||
		    Clock::now() >= patience)
			return refused(denial);
		std::this_thread::sleep_for(kBetweenClaims);
	}
	Descriptor part;
	if (decode_grant(answer, &part) != Head::ok ||
	    part.length != place_.len)
		return report_.fail(kRefused, "%s is not fi_pmem serve", peer);
	place_.addr = part.address;
	place_.key = part.key;
	claimed_ = true;
	return kOk;
}

/*
 * Another claim makes the server say who has our place now. If that one has
 * left, the server gives us the place again; but if our key is gone, which
 * `ret` says, there was one.
 */
std::string LogSession::find_successor(int ret)
{
	auto deadline = Clock::now() + std::chrono::seconds(options_.timeout_s);
	DescriptorBytes answer{};
	Denial denial;
	claimed_ = false;
	if (send_claim(0, deadline, &answer))
		return "";
	if (decode_denial(answer, &denial) == Head::ok &&
	    denial.reason == Denial::Reason::in_use)
		return describe(denial.holder);
	return ret == -FI_ENOKEY ? "which has left again" : "";
}

} // namespace fi_pmem
