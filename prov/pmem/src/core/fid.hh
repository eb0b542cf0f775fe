/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The C ABI boundary: a close that may be refused, the downcast from a fid to
 * our wrapper, and the guard that keeps C++ exceptions on our side.
 */
#pragma once

#include "shared/fid.hh"

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include <new>

namespace ofi_pmem
{

/*
 * Closes an inner object now. Where that may be refused (-FI_EBUSY) it takes
 * the place of the pointer's own close, so that the refusal reaches the caller;
 * the object then stays alive and owned.
 */
template <typename Fid> [[nodiscard]] int close_fid(FidPtr<Fid> &owner) noexcept
{
	if (!owner)
		return 0;
	int ret = fi_close(&owner->fid);
	if (!ret)
		static_cast<void>(owner.release());
	return ret;
}

/*
 * `Wrapper` derives from its C struct, whose first member is the fid; so a
 * pointer to the fid is a pointer to the struct.
 */
template <typename Wrapper, typename CStruct>
Wrapper *from_fid(fid *base) noexcept
{
	return static_cast<Wrapper *>(reinterpret_cast<CStruct *>(base));
}

/* Runs a control-path body; an exception becomes a negative fi_errno. */
template <typename Body> [[nodiscard]] int guarded(Body &&body) noexcept
{
	try {
		return body();
	} catch (const std::bad_alloc &) {
		return -FI_ENOMEM;
	} catch (...) {
		return -FI_EOTHER;
	}
}

} // namespace ofi_pmem
