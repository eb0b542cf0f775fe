/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/xfer.hh"

#include "app/ep.hh"
#include "app/srx.hh"

#include <tuple>

namespace ofi_pmem
{

namespace
{

/* The flags are the last argument of every call that takes any. */
template <typename... Args> uint64_t last_flags(Args... args) noexcept
{
	return std::get<sizeof...(args) - 1>(std::tie(args...));
}

/* Does the same for calls that end in flags, and refuses a commit. */
template <auto Call> struct ForwardFlagged;

template <typename... Args, ssize_t (*Call)(fid_ep *, Args...)>
struct ForwardFlagged<Call> {
	static ssize_t slot(fid_ep *ep, Args... args) noexcept
	{
		if (last_flags(args...) & FI_COMMIT_COMPLETE)
			return -FI_EINVAL;
		auto &outer = endpoint_of(ep);
		return own_use(outer,
			       [&] { return Call(outer.inner(), args...); });
	}
};

template <auto Call>
inline constexpr auto forward_flagged = ForwardFlagged<Call>::slot;

fi_ops_msg make_no_msg_ops() noexcept
{
	fi_ops_msg ops{};
	ops.size = sizeof(ops);
	ops.recv = no_sys;
	ops.recvv = no_sys;
	ops.recvmsg = no_sys;
	ops.send = no_sys;
	ops.sendv = no_sys;
	ops.sendmsg = no_sys;
	ops.inject = no_sys;
	ops.senddata = no_sys;
	ops.injectdata = no_sys;
	return ops;
}

template <typename Object> fi_ops_msg make_recv_ops() noexcept
{
	auto ops = make_no_msg_ops();
	ops.recv = forward<Object, fi_recv>;
	ops.recvv = forward<Object, fi_recvv>;
	ops.recvmsg = forward<Object, fi_recvmsg>;
	return ops;
}

fi_ops_tagged make_no_tagged_ops() noexcept
{
	fi_ops_tagged ops{};
	ops.size = sizeof(ops);
	ops.recv = no_sys;
	ops.recvv = no_sys;
	ops.recvmsg = no_sys;
	ops.send = no_sys;
	ops.sendv = no_sys;
	ops.sendmsg = no_sys;
	ops.inject = no_sys;
	ops.senddata = no_sys;
	ops.injectdata = no_sys;
	return ops;
}

template <typename Object> fi_ops_tagged make_trecv_ops() noexcept
{
	auto ops = make_no_tagged_ops();
	ops.recv = forward<Object, fi_trecv>;
	ops.recvv = forward<Object, fi_trecvv>;
	ops.recvmsg = forward<Object, fi_trecvmsg>;
	return ops;
}

fi_ops_atomic make_no_atomic_ops() noexcept
{
	fi_ops_atomic ops{};
	ops.size = sizeof(ops);
	ops.write = no_sys;
	ops.writev = no_sys;
	ops.writemsg = no_sys;
	ops.inject = no_sys;
	ops.readwrite = no_sys;
	ops.readwritev = no_sys;
	ops.readwritemsg = no_sys;
	ops.compwrite = no_sys;
	ops.compwritev = no_sys;
	ops.compwritemsg = no_sys;
	ops.writevalid = no_sys;
	ops.readwritevalid = no_sys;
	ops.compwritevalid = no_sys;
	return ops;
}

fi_ops_atomic make_ep_atomic_ops() noexcept
{
	fi_ops_atomic ops{};
	ops.size = sizeof(ops);
	ops.write = forward<Endpoint, fi_atomic>;
	ops.writev = forward<Endpoint, fi_atomicv>;
	ops.writemsg = forward_flagged<fi_atomicmsg>;
	ops.inject = forward<Endpoint, fi_inject_atomic>;
	ops.readwrite = forward<Endpoint, fi_fetch_atomic>;
	ops.readwritev = forward<Endpoint, fi_fetch_atomicv>;
	ops.readwritemsg = forward_flagged<fi_fetch_atomicmsg>;
	ops.compwrite = forward<Endpoint, fi_compare_atomic>;
	ops.compwritev = forward<Endpoint, fi_compare_atomicv>;
	ops.compwritemsg = forward_flagged<fi_compare_atomicmsg>;
	ops.writevalid = forward<Endpoint, fi_atomicvalid>;
	ops.readwritevalid = forward<Endpoint, fi_fetch_atomicvalid>;
	ops.compwritevalid = forward<Endpoint, fi_compare_atomicvalid>;
	return ops;
}

/* libfabric has no call of its own for this slot. */
ssize_t call_collective_msg(fid_ep *ep, const fi_msg_collective *request,
			    fi_ioc *resultv, void **result_desc,
			    size_t result_count, uint64_t flags)
{
	return FI_CHECK_OP(ep->collective, fi_ops_collective, msg)
		       ? ep->collective->msg(ep, request, resultv, result_desc,
					     result_count, flags)
		       : -FI_ENOSYS;
}

fi_ops_collective make_collective_ops() noexcept
{
	fi_ops_collective ops{};
	ops.size = sizeof(ops);
	ops.barrier = forward<Endpoint, fi_barrier>;
	ops.broadcast = forward<Endpoint, fi_broadcast>;
	ops.alltoall = forward<Endpoint, fi_alltoall>;
	ops.allreduce = forward<Endpoint, fi_allreduce>;
	ops.allgather = forward<Endpoint, fi_allgather>;
	ops.reduce_scatter = forward<Endpoint, fi_reduce_scatter>;
	ops.reduce = forward<Endpoint, fi_reduce>;
	ops.scatter = forward<Endpoint, fi_scatter>;
	ops.gather = forward<Endpoint, fi_gather>;
	ops.msg = forward<Endpoint, call_collective_msg>;
	ops.barrier2 = forward<Endpoint, fi_barrier2>;
	return ops;
}

fi_ops_collective make_no_collective_ops() noexcept
{
	fi_ops_collective ops{};
	ops.size = sizeof(ops);
	ops.barrier = no_sys;
	ops.broadcast = no_sys;
	ops.alltoall = no_sys;
	ops.allreduce = no_sys;
	ops.allgather = no_sys;
	ops.reduce_scatter = no_sys;
	ops.reduce = no_sys;
	ops.scatter = no_sys;
	ops.gather = no_sys;
	ops.msg = no_sys;
	ops.barrier2 = no_sys;
	return ops;
}

} // namespace

fi_ops_msg make_ep_msg_ops() noexcept
{
	auto ops = make_recv_ops<Endpoint>();
	ops.send = forward<Endpoint, fi_send>;
	ops.sendv = forward<Endpoint, fi_sendv>;
	ops.sendmsg = forward_flagged<fi_sendmsg>;
	ops.inject = forward<Endpoint, fi_inject>;
	ops.senddata = forward<Endpoint, fi_senddata>;
	ops.injectdata = forward<Endpoint, fi_injectdata>;
	return ops;
}

fi_ops_tagged make_ep_tagged_ops() noexcept
{
	auto ops = make_trecv_ops<Endpoint>();
	ops.send = forward<Endpoint, fi_tsend>;
	ops.sendv = forward<Endpoint, fi_tsendv>;
	ops.sendmsg = forward_flagged<fi_tsendmsg>;
	ops.inject = forward<Endpoint, fi_tinject>;
	ops.senddata = forward<Endpoint, fi_tsenddata>;
	ops.injectdata = forward<Endpoint, fi_tinjectdata>;
	return ops;
}

fi_ops_msg ep_msg_ops = make_ep_msg_ops();
fi_ops_tagged ep_tagged_ops = make_ep_tagged_ops();
fi_ops_atomic ep_atomic_ops = make_ep_atomic_ops();
fi_ops_collective ep_collective_ops = make_collective_ops();

fi_ops_msg srx_msg_ops = make_recv_ops<SharedReceive>();
fi_ops_tagged srx_tagged_ops = make_trecv_ops<SharedReceive>();

fi_ops_msg no_msg_ops = make_no_msg_ops();
fi_ops_tagged no_tagged_ops = make_no_tagged_ops();
fi_ops_atomic no_atomic_ops = make_no_atomic_ops();
fi_ops_collective no_collective_ops = make_no_collective_ops();

} // namespace ofi_pmem
