/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Owning pointers to libfabric's objects and infos, for the provider, the
 * libraries, the tool and the tests.
 */
#pragma once

#include <rdma/fabric.h>

#include <memory>

namespace ofi_pmem
{

struct FidClose {
	template <typename Fid> void operator()(Fid *fid) const noexcept
	{
		fi_close(&fid->fid);
	}
};

/* Owns a libfabric object. Another `Close` may look at what fi_close() says. */
template <typename Fid, typename Close = FidClose>
using FidPtr = std::unique_ptr<Fid, Close>;

struct InfoFree {
	void operator()(fi_info *info) const noexcept { fi_freeinfo(info); }
};

/* Owns a list of infos. */
using InfoPtr = std::unique_ptr<fi_info, InfoFree>;

} // namespace ofi_pmem
