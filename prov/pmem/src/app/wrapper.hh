/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The common parts of every wrapper of the app plane: the inner object, the
 * count of objects that depend on it, the fi_ops table, and the slot that only
 * forwards. `inner` is the object of the provider that we layer on, `outer` the
 * wrapper that the application holds.
 */
#pragma once

#include "core/enosys.hh"
#include "core/fid.hh"
#include "core/fork.hh"

#include <rdma/fabric.h>
#include <rdma/fi_endpoint.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

namespace ofi_pmem
{

/*
 * Counts the objects that still need this one. While it is not 0, close()
 * returns -FI_EBUSY, even if the inner provider would not notice. Any thread
 * may call it.
 */
class Dependents
{
public:
	bool any() const noexcept { return count_.load() != 0; }

private:
	friend class Dependence;
	std::atomic<size_t> count_{0};
};

/* Held by an object for as long as it needs another one. */
class Dependence
{
public:
	Dependence() noexcept = default;
	explicit Dependence(Dependents &on) noexcept : on_(&on) { ++on.count_; }
	Dependence(Dependence &&other) noexcept
		: on_(std::exchange(other.on_, nullptr))
	{
	}
	Dependence &operator=(Dependence &&other) noexcept
	{
		std::swap(on_, other.on_);
		return *this;
	}
	~Dependence()
	{
		if (on_)
			--on_->count_;
	}

private:
	Dependents *on_ = nullptr;
};

/*
 * Base of all wrappers. `CStruct` is first, so the application's pointer is
 * ours. The members below are the defaults of the fi_ops slots; a wrapper
 * hides those it refines (static dispatch through fid_ops()).
 */
template <typename CStruct> class Wrapper : public CStruct
{
public:
	using Struct = CStruct;

	Wrapper(const Wrapper &) = delete;
	Wrapper &operator=(const Wrapper &) = delete;

	CStruct *inner() const noexcept { return inner_.get(); }
	fid_t inner_fid() const noexcept { return &inner_->fid; }
	Dependents &dependents() noexcept { return dependents_; }

	/* See core/fork.hh. */
	bool inherited() const noexcept { return origin_.inherited(); }
	const Origin &origin() const noexcept { return origin_; }

	/* If it returns 0 the caller deletes the wrapper; else that stays
	 * usable. */
	int close() noexcept { return close_inner(); }

	int bind(fid_t, uint64_t) noexcept { return -FI_ENOSYS; }

	int control(int command, void *arg) noexcept
	{
		return fi_control(inner_fid(), command, arg);
	}

	int ops_open(const char *name, uint64_t flags, void **table,
		     void *context) noexcept
	{
		return fi_open_ops(inner_fid(), name, flags, table, context);
	}

protected:
	Wrapper(size_t fclass, void *context, fi_ops *table) noexcept
		: CStruct{}
	{
		this->fid.fclass = fclass;
		this->fid.context = context;
		this->fid.ops = table;
	}
	~Wrapper() = default;

	int close_inner() noexcept
	{
		return dependents_.any() ? -FI_EBUSY : close_fid(inner_);
	}

	FidPtr<CStruct> inner_;

private:
	Dependents dependents_;
	const Origin origin_;
};

/*
 * Runs `body`, which does something with the object `of` or reads what arrived
 * there. If the object is inherited, the call is refused: with an error, or,
 * for functions that return a count, with 0.
 */
template <typename Object, typename Body>
[[nodiscard]] auto own_use(const Object &of, Body &&body) noexcept
{
	using Result = decltype(body());
	constexpr bool has_errors = std::is_signed_v<Result>;
	if (!of.inherited())
		return body();
	auto error = static_cast<Result>(Origin::refuse());
	return has_errors ? error : Result{0};
}

/* Does guarded(), and is refused like own_use() if `of` is inherited. */
template <typename Object, typename Body>
[[nodiscard]] int guarded_use(const Object &of, Body &&body) noexcept
{
	return own_use(of, [&] { return guarded(body); });
}

/* Tells whether the fid is a wrapper of ours that is inherited. */
bool is_inherited(fid *outer) noexcept;

/* Returns the wrapper behind a fid whose class the caller knows. */
template <typename Object> Object *outer_of(fid *base) noexcept
{
	return from_fid<Object, typename Object::Struct>(base);
}

/*
 * fi_open_ops() of a wrapper with this name returns its own fid. A hook
 * provider passes the call on, so that it finds our object behind the hook's.
 */
inline constexpr char kSelfOps[] = "ofi_pmem itself";

/* Holds the fi_ops table of one wrapper class. */
template <typename Object> struct FidOps {
	static int close(fid *base) noexcept
	{
		auto *object = outer_of<Object>(base);
		if (object->inherited())
			return 0; /* it stays the parent's */
		int ret = object->close();
		if (!ret)
			delete object;
		return ret;
	}

	static int bind(fid *base, fid *other, uint64_t flags) noexcept
	{
		auto object = outer_of<Object>(base);
		if (is_inherited(other))
			return Origin::refuse();
		return guarded_use(*object,
				   [&] { return object->bind(other, flags); });
	}

	static int control(fid *base, int command, void *arg) noexcept
	{
		auto object = outer_of<Object>(base);
		return guarded_use(
			*object, [&] { return object->control(command, arg); });
	}

	static int ops_open(fid *base, const char *name, uint64_t flags,
			    void **ops, void *context) noexcept
	{
		if (!strcmp(name, kSelfOps)) {
			*ops = base;
			return 0;
		}
		return outer_of<Object>(base)->ops_open(name, flags, ops,
							context);
	}

	static int tostr(const fid *base, char *buf, size_t len) noexcept
	{
		auto *inner =
			outer_of<Object>(const_cast<fid *>(base))->inner_fid();
		return FI_CHECK_OP(inner->ops, fi_ops, tostr)
			       ? inner->ops->tostr(inner, buf, len)
			       : -FI_ENOSYS;
	}

	static int ops_set(fid *base, const char *name, uint64_t flags,
			   void *ops, void *context) noexcept
	{
		auto object = outer_of<Object>(base);
		return own_use(*object, [&] {
			return fi_set_ops(object->inner_fid(), name, flags, ops,
					  context);
		});
	}

	static fi_ops make() noexcept
	{
		fi_ops ops{};
		ops.size = sizeof(ops);
		ops.close = close;
		ops.bind = bind;
		ops.control = control;
		ops.ops_open = ops_open;
		ops.tostr = tostr;
		ops.ops_set = ops_set;
		return ops;
	}

	static inline fi_ops table = make();
};

/* A fid of another provider has the class, but not the table. */
template <typename Object> bool is_ours(const fid *base) noexcept
{
	return base->ops == &FidOps<Object>::table;
}

/* Returns our fid behind that of a hook provider, or null. */
fid *behind_hook(fid *outer) noexcept;

/*
 * Returns the wrapper with which a function of fi_open_ops() was called. Under
 * a hook provider (FI_HOOK) the application holds the hook's object, not ours.
 * Returns null, after a warning, if there is no wrapper of this class behind
 * the fid.
 */
template <typename Object> Object *find_ours(fid *outer) noexcept
{
	if (is_ours<Object>(outer))
		return outer_of<Object>(outer);
	auto found = behind_hook(outer);
	return found && is_ours<Object>(found) ? outer_of<Object>(found)
					       : nullptr;
}

/*
 * A slot that only forwards. `Call` is libfabric's own function for that slot,
 * called on the inner object: `ops.recv = forward<Endpoint, fi_recv>;`. In
 * slots that get a bare fid, `Call` gets the inner one. `Call` is not noexcept,
 * because libfabric's functions are not, and that is part of its type.
 */
template <typename Object, auto Call> struct Forward;

template <typename Object, typename Ret, typename CStruct, typename... Args,
	  Ret (*Call)(CStruct *, Args...)>
struct Forward<Object, Call> {
	static Ret slot(CStruct *outer, Args... args) noexcept
	{
		auto call = [&](Object *object) {
			if constexpr (std::is_same_v<CStruct, fid>)
				return Call(object->inner_fid(), args...);
			else
				return Call(object->inner(), args...);
		};
		auto object = object_of(outer);
		if constexpr (std::is_pointer_v<Ret>)
			return call(object); /* a text */
		else
			return own_use(*object, [&] { return call(object); });
	}

private:
	static Object *object_of(CStruct *outer) noexcept
	{
		if constexpr (std::is_same_v<CStruct, fid>)
			return outer_of<Object>(outer);
		else
			return static_cast<Object *>(outer);
	}
};

template <typename Object, auto Call>
inline constexpr auto forward = Forward<Object, Call>::slot;

/* For slots that are not deprecated, but whose calls in the headers are. */
inline ssize_t call_rx_size_left(fid_ep *ep)
{
	return ep->ops->rx_size_left(ep);
}

inline ssize_t call_tx_size_left(fid_ep *ep)
{
	return ep->ops->tx_size_left(ep);
}

/*
 * Returns the inner fid of anything that can be bound or waited for, or null if
 * the fid is no wrapper of ours.
 */
fid *inner_of(fid *outer) noexcept;

/* Returns the dependents of that wrapper, or null likewise. */
Dependents *dependents_of(fid *outer) noexcept;

} // namespace ofi_pmem
