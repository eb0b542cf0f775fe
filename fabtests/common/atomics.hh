/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Atomic calls on a region, with the retries that libfabric asks for.
 */
#pragma once

#include "common/initiator.hh"

#include <rdma/fi_atomic.h>

namespace pmem_test
{

/* An initiator of the stack that has atomics; the connected one has none. */
inline NodeOptions atomic_options()
{
	NodeOptions options;
	options.stack = Stack::rdm;
	options.caps = FI_ATOMIC;
	return options;
}

/* One call to one remote range; change what the test is about. */
struct AtomicCall {
	AtomicCall(const Initiator &initiator, const RemoteRegion &region,
		   uint64_t offset, fi_datatype datatype, fi_op op,
		   size_t count = 1)
		: target{region.base + offset, count, region.key}
	{
		msg.msg_iov = &operand;
		msg.iov_count = 1;
		msg.addr = initiator.peer();
		msg.rma_iov = &target;
		msg.rma_iov_count = 1;
		msg.datatype = datatype;
		msg.op = op;
		msg.context = &context;
		operand.count = compare.count = result.count = count;
	}
	AtomicCall(const AtomicCall &) = delete;
	AtomicCall &operator=(const AtomicCall &) = delete;

	ssize_t base(Initiator &initiator, const void *values, uint64_t flags)
	{
		operand.addr = const_cast<void *>(values);
		return initiator.post([&] {
			return fi_atomicmsg(initiator.ep(), &msg, flags);
		});
	}
	ssize_t fetch(Initiator &initiator, const void *values, void *was,
		      uint64_t flags)
	{
		operand.addr = const_cast<void *>(values);
		result.addr = was;
		return initiator.post([&] {
			return fi_fetch_atomicmsg(initiator.ep(), &msg, &result,
						  nullptr, 1, flags);
		});
	}
	ssize_t swap(Initiator &initiator, const void *values,
		     const void *expected, void *was, uint64_t flags)
	{
		operand.addr = const_cast<void *>(values);
		compare.addr = const_cast<void *>(expected);
		result.addr = was;
		return initiator.post([&] {
			return fi_compare_atomicmsg(initiator.ep(), &msg,
						    &compare, nullptr, 1,
						    &result, nullptr, 1, flags);
		});
	}

	fi_context2 context{};
	fi_ioc operand{};
	fi_ioc compare{};
	fi_ioc result{};
	fi_rma_ioc target;
	fi_msg_atomic msg{};
};

} // namespace pmem_test
