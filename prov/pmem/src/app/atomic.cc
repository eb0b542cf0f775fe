/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The ten calls become one AtomicCall, which knows where it goes.
 */
#include "app/atomic.hh"

#include "app/ep.hh"
#include "protocol/atomic.hh"
#include "protocol/wire.hh"

#include <algorithm>

namespace ofi_pmem
{

namespace
{

bool persistent(const fi_msg_atomic &msg) noexcept
{
	return msg.rma_iov_count && Key(msg.rma_iov[0].key).persistent();
}

/* `inner_call` repeats the application's call on the inner endpoint. */
template <typename InnerCall>
ssize_t submit(Endpoint &ep, const AtomicCall &call,
	       InnerCall &&inner_call) noexcept
{
	const fi_msg_atomic &msg = *call.msg;
	if (persistent(msg))
		return ep.plane()->atomic(call);
	/* A commit is refused as for a write: inner providers would pretend. */
	if (call.flags & FI_COMMIT_COMPLETE)
		return -FI_EINVAL;
	if (!ep.inner()->atomic)
		return -FI_ENOSYS;
	Transmit counted = call.kind == AtomicKind::base ? Transmit::write
							 : Transmit::read;
	return ep.plane()->transmit(msg.addr, call.flags, counted,
				    [&] { return inner_call(ep.inner()); });
}

size_t total(const fi_ioc *ioc, size_t count) noexcept
{
	size_t elements = 0;
	for (size_t i = 0; i < count; i++)
		elements += ioc[i].count;
	return elements;
}

/* The plain arguments of a call without a message structure. */
struct Arguments {
	fi_addr_t peer;
	uint64_t addr;
	uint64_t key;
	fi_datatype datatype;
	fi_op op;
	void *context;
};

/* Makes a message structure, with one remote range, of that call. */
class Message
{
public:
	Message(const fi_ioc *ioc, void **desc, size_t count, size_t elements,
		const Arguments &args) noexcept
		: target_{args.addr, elements, args.key}, msg_{}
	{
		msg_.msg_iov = ioc;
		msg_.desc = desc;
		msg_.iov_count = count;
		msg_.addr = args.peer;
		msg_.rma_iov = &target_;
		msg_.rma_iov_count = 1;
		msg_.datatype = args.datatype;
		msg_.op = args.op;
		msg_.context = args.context;
	}
	Message(const Message &) = delete;
	Message &operator=(const Message &) = delete;

	const fi_msg_atomic *get() const noexcept { return &msg_; }

private:
	fi_rma_ioc target_;
	fi_msg_atomic msg_;
};

fi_ioc one(const void *buf, size_t count) noexcept
{
	return {const_cast<void *>(buf), count};
}

/* A default commit only concerns operations that modify. */
uint64_t default_flags(const Endpoint &ep, fi_op op) noexcept
{
	uint64_t flags = ep.tx_op_flags();
	return op == FI_ATOMIC_READ ? flags & ~FI_COMMIT_COMPLETE : flags;
}

/* The gate keeps a fence; inner providers ignore it. */
uint64_t inner_flags(uint64_t flags) noexcept
{
	return flags & ~FI_FENCE;
}

ssize_t ep_atomic_write(fid_ep *ep, const void *buf, size_t count, void *desc,
			fi_addr_t peer, uint64_t addr, uint64_t key,
			fi_datatype datatype, fi_op op, void *context) noexcept
{
	auto &outer = endpoint_of(ep);
	fi_ioc operand = one(buf, count);
	Message msg(&operand, &desc, 1, count,
		    {peer, addr, key, datatype, op, context});
	return submit(outer,
		      {msg.get(), default_flags(outer, op),
		       outer.completes_by_default()},
		      [&](fid_ep *inner) {
			      return fi_atomic(inner, buf, count, desc, peer,
					       addr, key, datatype, op,
					       context);
		      });
}

ssize_t ep_atomic_writev(fid_ep *ep, const fi_ioc *iov, void **desc,
			 size_t count, fi_addr_t peer, uint64_t addr,
			 uint64_t key, fi_datatype datatype, fi_op op,
			 void *context) noexcept
{
	auto &outer = endpoint_of(ep);
	Message msg(iov, desc, count, total(iov, count),
		    {peer, addr, key, datatype, op, context});
	return submit(outer,
		      {msg.get(), default_flags(outer, op),
		       outer.completes_by_default()},
		      [&](fid_ep *inner) {
			      return fi_atomicv(inner, iov, desc, count, peer,
						addr, key, datatype, op,
						context);
		      });
}

ssize_t ep_atomic_writemsg(fid_ep *ep, const fi_msg_atomic *msg,
			   uint64_t flags) noexcept
{
	auto &outer = endpoint_of(ep);
	return submit(outer, {msg, flags, outer.completes(flags)},
		      [&](fid_ep *inner) {
			      return fi_atomicmsg(inner, msg,
						  inner_flags(flags));
		      });
}

/* Reports no completion, whatever the defaults. */
ssize_t ep_atomic_inject(fid_ep *ep, const void *buf, size_t count,
			 fi_addr_t peer, uint64_t addr, uint64_t key,
			 fi_datatype datatype, fi_op op) noexcept
{
	auto &outer = endpoint_of(ep);
	fi_ioc operand = one(buf, count);
	Message msg(&operand, nullptr, 1, count,
		    {peer, addr, key, datatype, op, nullptr});
	uint64_t flags = (outer.tx_op_flags() & ~FI_COMPLETION) | FI_INJECT;
	return submit(outer, {msg.get(), flags, false}, [&](fid_ep *inner) {
		return fi_inject_atomic(inner, buf, count, peer, addr, key,
					datatype, op);
	});
}

ssize_t ep_atomic_readwrite(fid_ep *ep, const void *buf, size_t count,
			    void *desc, void *result, void *result_desc,
			    fi_addr_t peer, uint64_t addr, uint64_t key,
			    fi_datatype datatype, fi_op op,
			    void *context) noexcept
{
	auto &outer = endpoint_of(ep);
	fi_ioc operand = one(buf, count);
	fi_ioc was = one(result, count);
	Message msg(&operand, &desc, 1, count,
		    {peer, addr, key, datatype, op, context});
	return submit(outer,
		      {msg.get(), default_flags(outer, op),
		       outer.completes_by_default(), AtomicKind::fetch, nullptr,
		       0, &was, 1},
		      [&](fid_ep *inner) {
			      return fi_fetch_atomic(inner, buf, count, desc,
						     result, result_desc, peer,
						     addr, key, datatype, op,
						     context);
		      });
}

ssize_t ep_atomic_readwritev(fid_ep *ep, const fi_ioc *iov, void **desc,
			     size_t count, fi_ioc *resultv, void **result_desc,
			     size_t result_count, fi_addr_t peer, uint64_t addr,
			     uint64_t key, fi_datatype datatype, fi_op op,
			     void *context) noexcept
{
	auto &outer = endpoint_of(ep);
	/* FI_ATOMIC_READ needs no operands. */
	Message msg(iov, desc, count, total(resultv, result_count),
		    {peer, addr, key, datatype, op, context});
	return submit(outer,
		      {msg.get(), default_flags(outer, op),
		       outer.completes_by_default(), AtomicKind::fetch, nullptr,
		       0, resultv, result_count},
		      [&](fid_ep *inner) {
			      return fi_fetch_atomicv(
				      inner, iov, desc, count, resultv,
				      result_desc, result_count, peer, addr,
				      key, datatype, op, context);
		      });
}

ssize_t ep_atomic_readwritemsg(fid_ep *ep, const fi_msg_atomic *msg,
			       fi_ioc *resultv, void **result_desc,
			       size_t result_count, uint64_t flags) noexcept
{
	auto &outer = endpoint_of(ep);
	return submit(outer,
		      {msg, flags, outer.completes(flags), AtomicKind::fetch,
		       nullptr, 0, resultv, result_count},
		      [&](fid_ep *inner) {
			      return fi_fetch_atomicmsg(
				      inner, msg, resultv, result_desc,
				      result_count, inner_flags(flags));
		      });
}

ssize_t ep_atomic_compwrite(fid_ep *ep, const void *buf, size_t count,
			    void *desc, const void *compare, void *compare_desc,
			    void *result, void *result_desc, fi_addr_t peer,
			    uint64_t addr, uint64_t key, fi_datatype datatype,
			    fi_op op, void *context) noexcept
{
	auto &outer = endpoint_of(ep);
	fi_ioc operand = one(buf, count);
	fi_ioc comparand = one(compare, count);
	fi_ioc was = one(result, count);
	Message msg(&operand, &desc, 1, count,
		    {peer, addr, key, datatype, op, context});
	return submit(outer,
		      {msg.get(), default_flags(outer, op),
		       outer.completes_by_default(), AtomicKind::compare,
		       &comparand, 1, &was, 1},
		      [&](fid_ep *inner) {
			      return fi_compare_atomic(
				      inner, buf, count, desc, compare,
				      compare_desc, result, result_desc, peer,
				      addr, key, datatype, op, context);
		      });
}

ssize_t ep_atomic_compwritev(fid_ep *ep, const fi_ioc *iov, void **desc,
			     size_t count, const fi_ioc *comparev,
			     void **compare_desc, size_t compare_count,
			     fi_ioc *resultv, void **result_desc,
			     size_t result_count, fi_addr_t peer, uint64_t addr,
			     uint64_t key, fi_datatype datatype, fi_op op,
			     void *context) noexcept
{
	auto &outer = endpoint_of(ep);
	Message msg(iov, desc, count, total(iov, count),
		    {peer, addr, key, datatype, op, context});
	return submit(outer,
		      {msg.get(), default_flags(outer, op),
		       outer.completes_by_default(), AtomicKind::compare,
		       comparev, compare_count, resultv, result_count},
		      [&](fid_ep *inner) {
			      return fi_compare_atomicv(
				      inner, iov, desc, count, comparev,
				      compare_desc, compare_count, resultv,
				      result_desc, result_count, peer, addr,
				      key, datatype, op, context);
		      });
}

ssize_t ep_atomic_compwritemsg(fid_ep *ep, const fi_msg_atomic *msg,
			       const fi_ioc *comparev, void **compare_desc,
			       size_t compare_count, fi_ioc *resultv,
			       void **result_desc, size_t result_count,
			       uint64_t flags) noexcept
{
	auto &outer = endpoint_of(ep);
	return submit(outer,
		      {msg, flags, outer.completes(flags), AtomicKind::compare,
		       comparev, compare_count, resultv, result_count},
		      [&](fid_ep *inner) {
			      return fi_compare_atomicmsg(
				      inner, msg, comparev, compare_desc,
				      compare_count, resultv, result_desc,
				      result_count, inner_flags(flags));
		      });
}

template <AtomicKind kKind>
int ep_atomic_valid(fid_ep *ep, fi_datatype datatype, fi_op op,
		    size_t *count) noexcept
{
	const Endpoint &endpoint = endpoint_of(ep);
	return atomic_valid(endpoint.inner(), endpoint.domain().owns_atomics(),
			    kKind, datatype, op, count);
}

fi_ops_atomic make_plane_atomic_ops() noexcept
{
	fi_ops_atomic ops{};
	ops.size = sizeof(ops);
	ops.write = ep_atomic_write;
	ops.writev = ep_atomic_writev;
	ops.writemsg = ep_atomic_writemsg;
	ops.inject = ep_atomic_inject;
	ops.readwrite = ep_atomic_readwrite;
	ops.readwritev = ep_atomic_readwritev;
	ops.readwritemsg = ep_atomic_readwritemsg;
	ops.compwrite = ep_atomic_compwrite;
	ops.compwritev = ep_atomic_compwritev;
	ops.compwritemsg = ep_atomic_compwritemsg;
	ops.writevalid = ep_atomic_valid<AtomicKind::base>;
	ops.readwritevalid = ep_atomic_valid<AtomicKind::fetch>;
	ops.compwritevalid = ep_atomic_valid<AtomicKind::compare>;
	return ops;
}

} // namespace

fi_ops_atomic plane_atomic_ops = make_plane_atomic_ops();

} // namespace ofi_pmem
