/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Fills the slots of an ops table that we do not implement. libfabric's inline
 * calls go through most slots unchecked, so none may stay null.
 */
#pragma once

#include <rdma/fi_errno.h>

namespace ofi_pmem
{

/*
 * Converts to a function of whatever type the slot has, which returns
 * -FI_ENOSYS: `ops.stx_ctx = no_sys;`
 */
struct NoSys {
	template <typename Ret, typename... Args> using Slot = Ret (*)(Args...);

	template <typename Ret, typename... Args>
	static Ret refuse(Args...) noexcept
	{
		return -FI_ENOSYS;
	}

	template <typename Ret, typename... Args>
	constexpr operator Slot<Ret, Args...>() const noexcept
	{
		return refuse<Ret, Args...>;
	}
};

inline constexpr NoSys no_sys{};

} // namespace ofi_pmem
