/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/cq.hh"

#include "bridge/marker_gate.hh"
#include "core/errors.hh"
#include "core/layout.hh"

#include <algorithm>
#include <cstring>
#include <memory>

namespace ofi_pmem
{

namespace
{

/* The number of places for the persistence plane's completions. */
constexpr size_t kDefaultRing = 1024;
constexpr size_t kMinRing = 64;
constexpr size_t kMaxRing = 65536;

/*
 * The number of endpoints on one queue that may wait for a fence at the same
 * time.
 */
constexpr size_t kFencedEndpoints = 64;

CompletionQueue &queue(fid_cq *cq) noexcept
{
	return *static_cast<CompletionQueue *>(cq);
}

ssize_t cq_read(fid_cq *cq, void *buf, size_t count) noexcept
{
	return own_use(queue(cq),
		       [&] { return queue(cq).readfrom(buf, count, nullptr); });
}

ssize_t cq_readfrom(fid_cq *cq, void *buf, size_t count,
		    fi_addr_t *sources) noexcept
{
	return own_use(queue(cq),
		       [&] { return queue(cq).readfrom(buf, count, sources); });
}

ssize_t cq_readerr(fid_cq *cq, fi_cq_err_entry *entry, uint64_t flags) noexcept
{
	return own_use(queue(cq),
		       [&] { return queue(cq).readerr(entry, flags); });
}

/* A wait condition is a hint; we wake at the first completion. */
ssize_t cq_sread(fid_cq *cq, void *buf, size_t count, const void *,
		 int timeout) noexcept
{
	return own_use(queue(cq), [&] {
		return queue(cq).sreadfrom(buf, count, nullptr, timeout);
	});
}

ssize_t cq_sreadfrom(fid_cq *cq, void *buf, size_t count, fi_addr_t *sources,
		     const void *, int timeout) noexcept
{
	return own_use(queue(cq), [&] {
		return queue(cq).sreadfrom(buf, count, sources, timeout);
	});
}

int cq_signal(fid_cq *cq) noexcept
{
	return own_use(queue(cq), [&] { return queue(cq).signal(); });
}

const char *cq_strerror(fid_cq *cq, int prov_errno, const void *err_data,
			char *buf, size_t len) noexcept
{
	return queue(cq).strerror(prov_errno, err_data, buf, len);
}

/*
 * This replaces fi_cq_readerr(), which since 2.0 writes a member that the entry
 * of an application built against an older header has no room for.
 */
ssize_t call_readerr(fid_cq *cq, fi_cq_err_entry *entry, uint64_t flags)
{
	return cq->ops->readerr(cq, entry, flags);
}

fi_ops_cq make_plain_cq_ops() noexcept
{
	fi_ops_cq ops{};
	ops.size = sizeof(ops);
	ops.read = forward<CompletionQueue, fi_cq_read>;
	ops.readfrom = forward<CompletionQueue, fi_cq_readfrom>;
	ops.readerr = forward<CompletionQueue, call_readerr>;
	ops.sread = forward<CompletionQueue, fi_cq_sread>;
	ops.sreadfrom = forward<CompletionQueue, fi_cq_sreadfrom>;
	ops.signal = forward<CompletionQueue, fi_cq_signal>;
	ops.strerror = forward<CompletionQueue, fi_cq_strerror>;
#ifdef HAVE_STRUCT_FI_OPS_CQ_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

fi_ops_cq make_merged_cq_ops() noexcept
{
	fi_ops_cq ops{};
	ops.size = sizeof(ops);
	ops.read = cq_read;
	ops.readfrom = cq_readfrom;
	ops.readerr = cq_readerr;
	ops.sread = cq_sread;
	ops.sreadfrom = cq_sreadfrom;
	ops.signal = cq_signal;
	ops.strerror = cq_strerror;
#ifdef HAVE_STRUCT_FI_OPS_CQ_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

RoomyOps<fi_ops_cq> plain_cq_ops(make_plain_cq_ops());
RoomyOps<fi_ops_cq> merged_cq_ops(make_merged_cq_ops());

size_t ring_size(const Domain &domain, const fi_cq_attr *attr) noexcept
{
	if (!domain.persistent())
		return 0;
	auto tx = domain.info().tx_attr;
	size_t posted = tx ? tx->size : 0;
	size_t wanted = attr && attr->size ? attr->size
					   : std::max(posted, kDefaultRing);
	return std::clamp(wanted, kMinRing, kMaxRing);
}

/*
 * Copies only what every version has, as the application's structure may end
 * there.
 */
void copy_attr(const fi_cq_attr &from, fi_cq_attr *to) noexcept
{
	to->size = from.size;
	to->flags = from.flags;
	to->format = from.format;
	to->wait_obj = from.wait_obj;
	to->signaling_vector = from.signaling_vector;
	to->wait_cond = from.wait_cond;
}

/* The bits of remote CQ data that the inner provider transfers. */
uint64_t mask_of(const fi_info &info) noexcept
{
	size_t bits = 8 * info.domain_attr->cq_data_size;
	return bits < 64 ? (1ULL << bits) - 1 : UINT64_MAX;
}

} // namespace

CompletionQueue::CompletionQueue(Domain &domain, size_t ring_size,
				 void *context)
	: Wrapper(FI_CLASS_CQ, context, &FidOps<CompletionQueue>::table),
	  domain_(domain), parent_(domain.dependents()),
	  cq_data_mask_(mask_of(domain.info())), plane_(ring_size)
{
	ops = domain.persistent() ? &merged_cq_ops.known : &plain_cq_ops.known;
}

int CompletionQueue::open(Domain &domain, fi_cq_attr *attr, void *context,
			  fid_cq **cq)
{
	bool unsupported = attr && ((attr->flags & FI_PEER) ||
				    attr->wait_obj == FI_WAIT_SET);
	if (unsupported)
		return -FI_ENOSYS;
	std::unique_ptr<CompletionQueue> outer(
		new CompletionQueue(domain, ring_size(domain, attr), context));
	int ret;
	if (domain.persistent()) {
		ret = outer->open_merged(attr);
	} else {
		fid_cq *inner = nullptr;
		ret = fi_cq_open(domain.inner(), attr, &inner, &outer->fid);
		outer->inner_.reset(inner);
	}
	if (!ret)
		*cq = outer.release();
	return ret;
}

int CompletionQueue::open_merged(const fi_cq_attr *attr)
{
	Roomy<fi_cq_attr> roomy;
	fi_cq_attr &below = roomy.known;
	if (attr)
		copy_attr(*attr, &below);
	/* The inner queue and the ring must have the same format. */
	if (below.format == FI_CQ_FORMAT_UNSPEC)
		below.format = FI_CQ_FORMAT_CONTEXT;
	format_ = below.format;
	switch (below.wait_obj) {
	case FI_WAIT_NONE:
		break;
	case FI_WAIT_UNSPEC:
	case FI_WAIT_FD:
		below.wait_obj = FI_WAIT_FD;
		break;
	default:
		return -FI_ENOSYS;
	}
	/*
	 * A marker behind transmits is one entry more than the application
	 * counts with, and a NIC's queue that has overflowed cannot be
	 * repaired.
	 */
	if (below.size && (domain_.info().caps & FI_FENCE))
		below.size += kFencedEndpoints * MarkerGate::kMarkers;
	fid_cq *inner = nullptr;
	int ret = fi_cq_open(domain_.inner(), &below, &inner, &fid);
	if (ret)
		return ret;
	inner_.reset(inner);
	return below.wait_obj == FI_WAIT_FD ? plane_.wait.open(inner_fid()) : 0;
}

uint32_t CompletionQueue::api_version() const noexcept
{
	return domain_.fabric().api_version;
}

const char *CompletionQueue::strerror(int prov_errno, const void *err_data,
				      char *buf, size_t len) noexcept
{
	const char *text = cause_text(prov_errno);
	if (!text)
		return fi_cq_strerror(inner(), prov_errno, err_data, buf, len);
	if (buf && len) {
		size_t size = std::min(strlen(text), len - 1);
		memcpy(buf, text, size);
		buf[size] = '\0';
	}
	return text;
}

int CompletionQueue::trywait() noexcept
{
	auto below = inner_fid();
	if (!plane_.wait.is_open())
		return fi_trywait(domain_.fabric().inner(), &below, 1);
	plane_.wait.drain();
	if (!plane_.ring.empty() || stashed_ || plane_.deferred().announced()) {
		/* drain() took the wake-up, which other threads may wait for.
		 */
		plane_.wait.wake();
		return -FI_EAGAIN;
	}
	return plane_.wait.arm(domain_.progress_source(),
			       domain_.fabric().inner(), below);
}

ssize_t CompletionQueue::sreadfrom(void *buf, size_t count, fi_addr_t *sources,
				   int timeout_ms) noexcept
{
	if (!plane_.wait.is_open())
		return -FI_ENOSYS;
	Deadline deadline(timeout_ms);
	for (;;) {
		ssize_t ret = readfrom(buf, count, sources);
		if (ret != -FI_EAGAIN)
			return ret;
		int armed = trywait();
		/* This comes after trywait() has drained the signal's wake-up.
		 */
		if (plane_.take_signal())
			return -FI_EAGAIN;
		int left = deadline.left_ms();
		if (!left)
			return -FI_EAGAIN;
		if (armed == -FI_EAGAIN)
			continue;
		if (!armed)
			armed = plane_.wait.block(left);
		if (armed)
			return armed;
	}
}

int CompletionQueue::signal() noexcept
{
	if (!plane_.wait.is_open())
		return fi_cq_signal(inner());
	plane_.wake_reader();
	return 0;
}

int CompletionQueue::control(int command, void *arg) noexcept
{
	if (!plane_.wait.is_open())
		return Wrapper::control(command, arg);
	switch (command) {
	case FI_GETWAIT:
		*static_cast<int *>(arg) = plane_.wait.fd();
		return 0;
	case FI_GETWAITOBJ:
		*static_cast<fi_wait_obj *>(arg) = FI_WAIT_FD;
		return 0;
	default:
		return Wrapper::control(command, arg);
	}
}

} // namespace ofi_pmem
