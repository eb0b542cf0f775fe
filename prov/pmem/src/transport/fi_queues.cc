/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/fi_queues.hh"

#include "core/layout.hh"
#include "transport/fi_link.hh"

#include <rdma/fi_cm.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ofi_pmem
{

namespace
{

constexpr size_t kBatch = 32;

/* Has room for a CONNREQ event with private data, which we do not use. */
constexpr size_t kEventSize = sizeof(fi_eq_cm_entry) + 256;

template <typename QueueFid> int wait_fd_of(QueueFid *queue, int *fd)
{
	return fi_control(&queue->fid, FI_GETWAIT, fd);
}

/*
 * Called before anything that drives connections. If a connection ends before
 * it has said hello, the tcp provider (1.17 and 2.1) goes by errno, which may
 * be left over: after EAGAIN it would keep the socket and look at it for ever.
 */
void forget_errno() noexcept
{
	errno = 0;
}

Handle handle_of(const void *context) noexcept
{
	return Handle::from_number(reinterpret_cast<uintptr_t>(context));
}

} // namespace

int FiQueues::open(size_t completions)
{
	Roomy<fi_cq_attr> roomy_attr;
	fi_cq_attr &cq_attr = roomy_attr.known;
	cq_attr.size = completions;
	cq_attr.format = FI_CQ_FORMAT_MSG;
	cq_attr.wait_obj = FI_WAIT_FD;
	fid_cq *cq = nullptr;
	int ret = fi_cq_open(transport_.domain(), &cq_attr, &cq, nullptr);
	if (ret)
		return ret;
	cq_.reset(cq);

	fi_eq_attr eq_attr{};
	eq_attr.wait_obj = FI_WAIT_FD;
	fid_eq *eq = nullptr;
	ret = fi_eq_open(transport_.fabric(), &eq_attr, &eq, nullptr);
	if (ret)
		return ret;
	eq_.reset(eq);

	ret = wait_fd_of(cq, &cq_fd_);
	if (ret)
		return ret;
	return wait_fd_of(eq, &eq_fd_);
}

size_t FiQueues::read_completions(Completion *completions,
				  size_t count) noexcept
{
	fi_cq_msg_entry entries[kBatch];
	forget_errno();
	ssize_t ret = fi_cq_read(cq_.get(), entries, std::min(count, kBatch));
	if (ret == -FI_EAVAIL)
		return read_error(completions);
	if (ret <= 0)
		return 0;
	auto got = static_cast<size_t>(ret);
	for (size_t i = 0; i < got; i++)
		completions[i] = {handle_of(entries[i].op_context),
				  entries[i].len, 0};
	return got;
}

size_t FiQueues::read_error(Completion *completion) noexcept
{
	Roomy<fi_cq_err_entry> roomy;
	fi_cq_err_entry &error = roomy.known;
	if (fi_cq_readerr(cq_.get(), &error, 0) < 0)
		return 0;
	*completion = {handle_of(error.op_context), 0,
		       error.err ? error.err : FI_EIO};
	return 1;
}

bool FiQueues::known(const fid *endpoint, LinkEvent::Kind kind, int err,
		     LinkEvent *event) const
{
	auto link = links_.find(endpoint);
	if (link == links_.end())
		return false;
	*event = LinkEvent{};
	event->kind = kind;
	event->link = link->second;
	event->err = err;
	return true;
}

bool FiQueues::read_event(LinkEvent *event)
{
	alignas(fi_eq_cm_entry) uint8_t bytes[kEventSize];
	uint32_t type = 0;
	while (true) {
		forget_errno();
		ssize_t ret =
			fi_eq_read(eq_.get(), &type, bytes, sizeof(bytes), 0);
		if (ret == -FI_EAVAIL) {
			Roomy<fi_eq_err_entry> roomy;
			fi_eq_err_entry &error = roomy.known;
			if (fi_eq_readerr(eq_.get(), &error, 0) < 0)
				return false;
			if (known(error.fid, LinkEvent::Kind::failed, error.err,
				  event))
				return true;
			continue;
		}
		if (ret < static_cast<ssize_t>(sizeof(fi_eq_cm_entry)))
			return false;
		fi_eq_cm_entry entry;
		std::memcpy(&entry, bytes, sizeof(entry));
		if (type == FI_CONNREQ) {
			*event = LinkEvent{};
			event->kind = LinkEvent::Kind::request;
			event->request = std::make_unique<FiConnectRequest>(
				transport_,
				from_fid<fid_pep, fid_pep>(entry.fid),
				InfoPtr(entry.info));
			return true;
		}
		auto kind = type == FI_CONNECTED ? LinkEvent::Kind::connected
						 : LinkEvent::Kind::closed;
		if (known(entry.fid, kind, 0, event))
			return true;
	}
}

int FiQueues::trywait() noexcept
{
	fid *fids[] = {&cq_->fid, &eq_->fid};
	return fi_trywait(transport_.fabric(), fids, 2);
}

} // namespace ofi_pmem
