/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The ground of the fake inner provider: slots that record their calls
 * (Recorded), tables full of them, and the base of every fake object.
 */
#pragma once

#include "core/enosys.hh"
#include "core/fid.hh"

#include <rdma/fabric.h>
#include <rdma/fi_atomic.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_collective.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include <tuple>

namespace ofi_pmem::fake
{

/*
 * Fills one slot: it remembers the arguments of its last call and answers
 * `result`. `Slot` is the member of the ops table, so a test asks
 * `Recorded<&fi_ops_msg::send>::calls`.
 */
template <auto Slot> struct Recorded;

template <typename Ops, typename Ret, typename... Args,
	  Ret (*Ops::*Slot)(Args...)>
struct Recorded<Slot> {
	using Arguments = std::tuple<Args...>;

	static inline int calls = 0;
	static inline Arguments args{};
	static inline Ret result{};

	static Ret call(Args... values) noexcept
	{
		calls++;
		args = {values...};
		return result;
	}

	static void install(Ops *ops)
	{
		ops->*Slot = call;
		calls = 0;
		args = {};
		result = {};
	}
};

template <auto... Slots, typename Ops> void install(Ops *ops)
{
	ops->size = sizeof(*ops);
	(Recorded<Slots>::install(ops), ...);
}

inline fi_ops_msg make_msg_ops()
{
	using T = fi_ops_msg;
	T ops{};
	install<&T::recv, &T::recvv, &T::recvmsg, &T::send, &T::sendv,
		&T::sendmsg, &T::inject, &T::senddata, &T::injectdata>(&ops);
	return ops;
}

inline fi_ops_tagged make_tagged_ops()
{
	using T = fi_ops_tagged;
	T ops{};
	install<&T::recv, &T::recvv, &T::recvmsg, &T::send, &T::sendv,
		&T::sendmsg, &T::inject, &T::senddata, &T::injectdata>(&ops);
	return ops;
}

inline fi_ops_rma make_rma_ops()
{
	using T = fi_ops_rma;
	T ops{};
	install<&T::read, &T::readv, &T::readmsg, &T::write, &T::writev,
		&T::writemsg, &T::inject, &T::writedata, &T::injectdata>(&ops);
	return ops;
}

inline fi_ops_atomic make_atomic_ops()
{
	using T = fi_ops_atomic;
	T ops{};
	install<&T::write, &T::writev, &T::writemsg, &T::inject, &T::readwrite,
		&T::readwritev, &T::readwritemsg, &T::compwrite, &T::compwritev,
		&T::compwritemsg, &T::writevalid, &T::readwritevalid,
		&T::compwritevalid>(&ops);
	return ops;
}

inline fi_ops_cm make_cm_ops()
{
	using T = fi_ops_cm;
	T ops{};
	install<&T::setname, &T::getname, &T::getpeer, &T::connect, &T::listen,
		&T::accept, &T::reject, &T::shutdown, &T::join>(&ops);
	return ops;
}

inline fi_ops_ep make_ep_ops()
{
	using T = fi_ops_ep;
	T ops{};
	install<&T::cancel, &T::getopt, &T::setopt, &T::tx_ctx, &T::rx_ctx,
		&T::rx_size_left, &T::tx_size_left>(&ops);
	return ops;
}

/*
 * An inner object that counts how many of it are alive and answers as the test
 * says.
 */
template <typename CStruct> struct Object : CStruct {
	static inline int alive = 0;
	static inline int close_result = 0;

	Object(size_t fclass, void *context) : CStruct{}
	{
		alive++;
		this->fid.fclass = fclass;
		this->fid.context = context;
		this->fid.ops = &fid_ops;
		fid_ops.size = sizeof(fid_ops);
		fid_ops.close = close;
		fid_ops.bind = bind;
		fid_ops.control = control;
		fid_ops.ops_open = no_sys;
		fid_ops.tostr = no_sys;
		fid_ops.ops_set = no_sys;
	}
	virtual ~Object() { alive--; }
	Object(const Object &) = delete;

	static Object *from(struct fid *base)
	{
		return from_fid<Object, CStruct>(base);
	}

	static int close(struct fid *base) noexcept
	{
		if (close_result)
			return close_result;
		delete from(base);
		return 0;
	}

	static int bind(struct fid *base, struct fid *other,
			uint64_t flags) noexcept
	{
		from(base)->bound = other;
		from(base)->bind_flags = flags;
		return 0;
	}

	static int control(struct fid *base, int command, void *arg) noexcept
	{
		return from(base)->on_control(command, arg);
	}

	virtual int on_control(int command, void *)
	{
		last_command = command;
		return control_result;
	}

	struct fid *bound = nullptr;
	uint64_t bind_flags = 0;
	int last_command = -1;
	int control_result = 0;
	fi_ops fid_ops{};
};

} // namespace ofi_pmem::fake
