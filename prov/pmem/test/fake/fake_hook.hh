/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * An application's object under a hook provider (FI_HOOK): it has the same
 * class and passes fi_open_ops() on to the one behind it.
 */
#pragma once

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>

namespace ofi_pmem::fake
{

/* `behind` may be null: then it is an object of another provider. */
template <typename CStruct> class Hook : public CStruct
{
public:
	explicit Hook(fid_t behind) noexcept : CStruct{}, behind_(behind)
	{
		this->fid.ops = &ops_;
		ops_.size = sizeof(ops_);
		ops_.ops_open = open;
	}

private:
	static int open(struct fid *base, const char *name, uint64_t flags,
			void **ops, void *context) noexcept
	{
		auto hook =
			static_cast<Hook *>(reinterpret_cast<CStruct *>(base));
		return hook->behind_ ? fi_open_ops(hook->behind_, name, flags,
						   ops, context)
				     : -FI_ENOSYS;
	}

	fid_t behind_;
	fi_ops ops_{};
};

} // namespace ofi_pmem::fake
