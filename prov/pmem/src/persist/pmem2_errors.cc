/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Translation of libpmem2's return values, see libpmem2(7). */
#include "persist/pmem2_errors.hh"

#include <libpmem2.h>
#include <rdma/fi_errno.h>

namespace ofi_pmem
{

int from_pmem2(int ret) noexcept
{
	if (ret > PMEM2_E_UNKNOWN)
		return ret;
	switch (ret) {
	case PMEM2_E_NOSUPP:
	case PMEM2_E_GRANULARITY_NOT_SUPPORTED:
		return -FI_EOPNOTSUPP;
	case PMEM2_E_NO_ACCESS:
		return -FI_EACCES;
	case PMEM2_E_IO_FAIL:
		return -FI_EIO;
	case PMEM2_E_MAPPING_EXISTS:
	case PMEM2_E_MAP_EXISTS:
		return -FI_EBUSY;
	case PMEM2_E_INVALID_FILE_TYPE:
	case PMEM2_E_SOURCE_EMPTY:
	case PMEM2_E_MAP_RANGE:
	case PMEM2_E_OFFSET_OUT_OF_RANGE:
	case PMEM2_E_OFFSET_UNALIGNED:
	case PMEM2_E_LENGTH_UNALIGNED:
	case PMEM2_E_LENGTH_OUT_OF_RANGE:
	case PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED:
		return -FI_EINVAL;
	default:
		return -FI_EOTHER;
	}
}

} // namespace ofi_pmem
