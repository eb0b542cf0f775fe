/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/eq.hh"

#include "app/pep.hh"
#include "core/log.hh"

#include <rdma/fi_cm.h>

#include <cstddef>
#include <memory>

namespace ofi_pmem
{

namespace
{

EventQueue &queue(fid_eq *eq) noexcept
{
	return *static_cast<EventQueue *>(eq);
}

ssize_t eq_read(fid_eq *eq, uint32_t *event, void *buf, size_t len,
		uint64_t flags) noexcept
{
	return own_use(queue(eq),
		       [&] { return queue(eq).read(event, buf, len, flags); });
}

ssize_t eq_sread(fid_eq *eq, uint32_t *event, void *buf, size_t len,
		 int timeout, uint64_t flags) noexcept
{
	return own_use(queue(eq), [&] {
		return queue(eq).sread(event, buf, len, timeout, flags);
	});
}

ssize_t eq_readerr(fid_eq *eq, fi_eq_err_entry *entry, uint64_t flags) noexcept
{
	return own_use(queue(eq),
		       [&] { return queue(eq).readerr(entry, flags); });
}

fi_ops_eq make_eq_ops() noexcept
{
	fi_ops_eq ops{};
	ops.size = sizeof(ops);
	ops.read = eq_read;
	ops.readerr = eq_readerr;
	ops.write = forward<EventQueue, fi_eq_write>;
	ops.sread = eq_sread;
	ops.strerror = forward<EventQueue, fi_eq_strerror>;
	return ops;
}

fi_ops_eq eq_ops = make_eq_ops();

/* Our wrapper is the context of the inner object; its own is the caller's. */
void replace_context(fid_t outer, void **context) noexcept
{
	if (*context == outer)
		*context = outer->context;
}

} // namespace

EventQueue::EventQueue(Fabric &fabric, void *context) noexcept
	: Wrapper(FI_CLASS_EQ, context, &FidOps<EventQueue>::table),
	  fabric_(fabric), parent_(fabric.dependents())
{
	ops = &eq_ops;
}

int EventQueue::open(Fabric &fabric, fi_eq_attr *attr, void *context,
		     fid_eq **eq)
{
	if (attr && attr->wait_obj == FI_WAIT_SET)
		return -FI_ENOSYS;
	std::unique_ptr<EventQueue> outer(new EventQueue(fabric, context));
	fid_eq *inner = nullptr;
	int ret = fi_eq_open(fabric.inner(), attr, &inner, &outer->fid);
	if (ret)
		return ret;
	outer->inner_.reset(inner);
	*eq = outer.release();
	return 0;
}

ssize_t EventQueue::read(uint32_t *event, void *buf, size_t len,
			 uint64_t flags) noexcept
{
	ssize_t ret = fi_eq_read(inner(), event, buf, len, flags);
	return ret > 0 ? translate(*event, buf, ret, flags) : ret;
}

ssize_t EventQueue::sread(uint32_t *event, void *buf, size_t len, int timeout,
			  uint64_t flags) noexcept
{
	ssize_t ret = fi_eq_sread(inner(), event, buf, len, timeout, flags);
	return ret > 0 ? translate(*event, buf, ret, flags) : ret;
}

ssize_t EventQueue::readerr(fi_eq_err_entry *entry, uint64_t flags) noexcept
{
	ssize_t ret = fi_eq_readerr(inner(), entry, flags);
	if (ret <= 0)
		return ret;
	if (auto outer = fabric_.fids().find(entry->fid)) {
		entry->fid = outer;
		replace_context(outer, &entry->context);
	}
	return ret;
}

/*
 * Every event entry begins with a fid, but an application's own may be shorter.
 */
ssize_t EventQueue::translate(uint32_t event, void *buf, ssize_t len,
			      uint64_t flags) noexcept
{
	auto size = static_cast<size_t>(len);
	if (size < sizeof(fid_t))
		return len;
	auto entry = static_cast<fi_eq_entry *>(buf);
	auto outer = fabric_.fids().find(entry->fid);
	if (!outer)
		return len;
	entry->fid = outer;
	switch (event) {
	case FI_CONNREQ: {
		/* A peeked event's info still belongs to the inner queue. */
		if ((flags & FI_PEEK) || outer->fclass != FI_CLASS_PEP)
			return len;
		int ret = translate_request(static_cast<fi_eq_cm_entry *>(buf),
					    outer);
		return ret ? ret : len;
	}
	case FI_CONNECTED:
	case FI_SHUTDOWN:
		return len;
	default:
		if (size >= sizeof(*entry))
			replace_context(outer, &entry->context);
		return len;
	}
}

int EventQueue::translate_request(fi_eq_cm_entry *entry, fid_t outer) noexcept
{
	auto pep = outer_of<PassiveEndpoint>(outer);
	fid_t handle = entry->info->handle;
	InfoPtr inner(entry->info);
	int ret = guarded([&] {
		entry->info =
			connreq_info(pep->info(), std::move(inner)).release();
		return 0;
	});
	if (ret) {
		PMEM_WARN(FI_LOG_EQ, "connection request dropped: %s (%d)",
			  fi_strerror(-ret), ret);
		fi_reject(pep->inner(), handle, nullptr, 0);
	}
	return ret;
}

} // namespace ofi_pmem
