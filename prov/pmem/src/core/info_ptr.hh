/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <memory>

#include <rdma/fabric.h>

namespace ofi_pmem
{

struct InfoFree {
	void operator()(fi_info *info) const noexcept { fi_freeinfo(info); }
};

/* Owns a list of infos. */
using InfoPtr = std::unique_ptr<fi_info, InfoFree>;

} // namespace ofi_pmem
