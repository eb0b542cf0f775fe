/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/xfer_gated.hh"

#include <tuple>
#include <type_traits>

#include "app/ep.hh"
#include "app/xfer.hh"

namespace ofi_pmem
{

namespace
{

/*
 * A call whose argument number kPeer, counted behind the endpoint, is the
 * peer's address. Of an atomic, the next are the remote address and its key.
 */
template <auto Call, Transmit kKind, size_t kPeer, bool kAtomic> struct Gated;

template <typename... Args, ssize_t (*Call)(fid_ep *, Args...), Transmit kKind,
	  size_t kPeer, bool kAtomic>
struct Gated<Call, kKind, kPeer, kAtomic> {
	static ssize_t slot(fid_ep *ep, Args... args) noexcept
	{
		auto &outer = *static_cast<Endpoint *>(ep);
		auto all = std::tie(args...);
		if constexpr (kAtomic) {
			if (Key(std::get<kPeer + 2>(all)).persistent())
				return -FI_EOPNOTSUPP;
			if (!outer.inner()->atomic)
				return -FI_ENOSYS;
		}
		return outer.plane()->transmit(
			std::get<kPeer>(all), outer.tx_op_flags(), kKind,
			[&] { return Call(outer.inner(), args...); });
	}
};

fi_addr_t peer_of(const fi_msg *msg) noexcept
{
	return msg->addr;
}
fi_addr_t peer_of(const fi_msg_tagged *msg) noexcept
{
	return msg->addr;
}
fi_addr_t peer_of(const fi_msg_atomic *msg) noexcept
{
	return msg->addr;
}

bool persistent(const fi_msg_atomic &msg) noexcept
{
	return msg.rma_iov_count && Key(msg.rma_iov[0].key).persistent();
}

/* A call with a message structure first and flags last. */
template <auto Call, Transmit kKind> struct GatedMsg;

template <typename Msg, typename... Args,
	  ssize_t (*Call)(fid_ep *, const Msg *, Args...), Transmit kKind>
struct GatedMsg<Call, kKind> {
	static ssize_t slot(fid_ep *ep, const Msg *msg, Args... args) noexcept
	{
		auto &outer = *static_cast<Endpoint *>(ep);
		uint64_t &flags =
			std::get<sizeof...(args) - 1>(std::tie(args...));
		uint64_t asked = flags;
		if (asked & FI_COMMIT_COMPLETE)
			return -FI_EINVAL;
		if constexpr (std::is_same_v<Msg, fi_msg_atomic>) {
			if (persistent(*msg))
				return -FI_EOPNOTSUPP;
			if (!outer.inner()->atomic)
				return -FI_ENOSYS;
		}
		/* Kept by the gate; inner providers ignore it. */
		flags &= ~FI_FENCE;
		return outer.plane()->transmit(peer_of(msg), asked, kKind, [&] {
			return Call(outer.inner(), msg, args...);
		});
	}
};

/* The query that goes with an atomic call. */
template <int (*Call)(fid_ep *, fi_datatype, fi_op, size_t *)>
int valid(fid_ep *ep, fi_datatype datatype, fi_op op, size_t *count) noexcept
{
	auto &outer = *static_cast<Endpoint *>(ep);
	return outer.inner()->atomic ? Call(outer.inner(), datatype, op, count)
				     : -FI_ENOSYS;
}

template <auto Call, size_t kPeer>
inline constexpr auto gated_send =
	Gated<Call, Transmit::send, kPeer, false>::slot;

template <auto Call, Transmit kKind, size_t kPeer>
inline constexpr auto gated_atomic = Gated<Call, kKind, kPeer, true>::slot;

template <auto Call, Transmit kKind>
inline constexpr auto gated_msg = GatedMsg<Call, kKind>::slot;

fi_ops_msg make_msg_ops() noexcept
{
	fi_ops_msg ops = make_ep_msg_ops();
	ops.send = gated_send<fi_send, 3>;
	ops.sendv = gated_send<fi_sendv, 3>;
	ops.sendmsg = gated_msg<fi_sendmsg, Transmit::send>;
	ops.inject = gated_send<fi_inject, 2>;
	ops.senddata = gated_send<fi_senddata, 4>;
	ops.injectdata = gated_send<fi_injectdata, 3>;
	return ops;
}

fi_ops_tagged make_tagged_ops() noexcept
{
	fi_ops_tagged ops = make_ep_tagged_ops();
	ops.send = gated_send<fi_tsend, 3>;
	ops.sendv = gated_send<fi_tsendv, 3>;
	ops.sendmsg = gated_msg<fi_tsendmsg, Transmit::send>;
	ops.inject = gated_send<fi_tinject, 2>;
	ops.senddata = gated_send<fi_tsenddata, 4>;
	ops.injectdata = gated_send<fi_tinjectdata, 3>;
	return ops;
}

fi_ops_atomic make_atomic_ops() noexcept
{
	constexpr auto kWrite = Transmit::write;
	constexpr auto kRead = Transmit::read;
	fi_ops_atomic ops = make_ep_atomic_ops();
	ops.write = gated_atomic<fi_atomic, kWrite, 3>;
	ops.writev = gated_atomic<fi_atomicv, kWrite, 3>;
	ops.writemsg = gated_msg<fi_atomicmsg, kWrite>;
	ops.inject = gated_atomic<fi_inject_atomic, kWrite, 2>;
	ops.readwrite = gated_atomic<fi_fetch_atomic, kRead, 5>;
	ops.readwritev = gated_atomic<fi_fetch_atomicv, kRead, 6>;
	ops.readwritemsg = gated_msg<fi_fetch_atomicmsg, kRead>;
	ops.compwrite = gated_atomic<fi_compare_atomic, kRead, 7>;
	ops.compwritev = gated_atomic<fi_compare_atomicv, kRead, 9>;
	ops.compwritemsg = gated_msg<fi_compare_atomicmsg, kRead>;
	ops.writevalid = valid<fi_atomicvalid>;
	ops.readwritevalid = valid<fi_fetch_atomicvalid>;
	ops.compwritevalid = valid<fi_compare_atomicvalid>;
	return ops;
}

} // namespace

fi_ops_msg gated_msg_ops = make_msg_ops();
fi_ops_tagged gated_tagged_ops = make_tagged_ops();
fi_ops_atomic gated_atomic_ops = make_atomic_ops();

} // namespace ofi_pmem
