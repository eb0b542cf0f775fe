/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/xfer_gated.hh"

#include "app/ep.hh"
#include "app/xfer.hh"

#include <tuple>

namespace ofi_pmem
{

namespace
{

/*
 * Gates a call whose argument number kPeer, counted behind the endpoint, is the
 * peer's address.
 */
template <auto Call, size_t kPeer> struct Gated;

template <typename... Args, ssize_t (*Call)(fid_ep *, Args...), size_t kPeer>
struct Gated<Call, kPeer> {
	static ssize_t slot(fid_ep *ep, Args... args) noexcept
	{
		auto &outer = endpoint_of(ep);
		return outer.plane()->transmit(
			std::get<kPeer>(std::tie(args...)), outer.tx_op_flags(),
			Transmit::send,
			[&] { return Call(outer.inner(), args...); });
	}
};

/* Gates a call with a message structure and flags. */
template <auto Call> struct GatedMsg;

template <typename Msg, ssize_t (*Call)(fid_ep *, const Msg *, uint64_t)>
struct GatedMsg<Call> {
	static ssize_t slot(fid_ep *ep, const Msg *msg, uint64_t flags) noexcept
	{
		auto &outer = endpoint_of(ep);
		if (flags & FI_COMMIT_COMPLETE)
			return -FI_EINVAL;
		return outer.plane()->transmit(
			msg->addr, flags, Transmit::send, [&] {
				/* The gate keeps it; inner providers ignore it.
				 */
				return Call(outer.inner(), msg,
					    flags & ~FI_FENCE);
			});
	}
};

template <auto Call, size_t kPeer>
inline constexpr auto gated_send = Gated<Call, kPeer>::slot;

template <auto Call> inline constexpr auto gated_msg = GatedMsg<Call>::slot;

fi_ops_msg make_msg_ops() noexcept
{
	fi_ops_msg ops = make_ep_msg_ops();
	ops.send = gated_send<fi_send, 3>;
	ops.sendv = gated_send<fi_sendv, 3>;
	ops.sendmsg = gated_msg<fi_sendmsg>;
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
	ops.sendmsg = gated_msg<fi_tsendmsg>;
	ops.inject = gated_send<fi_tinject, 2>;
	ops.senddata = gated_send<fi_tsenddata, 4>;
	ops.injectdata = gated_send<fi_tinjectdata, 3>;
	return ops;
}

} // namespace

fi_ops_msg gated_msg_ops = make_msg_ops();
fi_ops_tagged gated_tagged_ops = make_tagged_ops();

} // namespace ofi_pmem
