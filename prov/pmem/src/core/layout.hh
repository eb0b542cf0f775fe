/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Structures and tables of libfabric grow at their end. The plug-in may run in
 * a later libfabric than the one it was built against: providers there write
 * and read as much of a structure as the API version of their fabric has, and
 * programs call slots that our tables do not have yet.
 */
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "core/enosys.hh"

#include <rdma/fi_eq.h>

namespace ofi_pmem
{

/*
 * What is lent to an inner provider, to be filled or to be read: the structure
 * as we know it, and zeros where a later libfabric has more members.
 */
template <typename Struct> struct Roomy {
	Struct known{};
	uint64_t later[32] = {};
};

/*
 * A table of ours, and behind it slots that refuse: inline functions of later
 * headers call some slots without a look at the size of the table. C callers
 * find each argument where they left it, so one type of function does for all.
 */
template <typename Ops> struct RoomyOps {
	explicit RoomyOps(const Ops &ops) noexcept : known(ops)
	{
		std::fill(std::begin(later), std::end(later), no_sys);
	}

	Ops known;
	int (*later[16])();
};

/*
 * fi_cq_err_entry::src_addr, which programs of this API version have, whether
 * our headers do or not.
 */
inline constexpr uint32_t kErrorSourceApi = FI_VERSION(1, 20);
inline constexpr size_t kErrorSourceOffset =
	offsetof(fi_cq_err_entry, err_data_size) + sizeof(size_t);

/* The entry must have the member. */
inline fi_addr_t error_source(const void *entry) noexcept
{
	fi_addr_t source;
	memcpy(&source,
	       static_cast<const uint8_t *>(entry) + kErrorSourceOffset,
	       sizeof(source));
	return source;
}

inline void set_error_source(void *entry, fi_addr_t source) noexcept
{
	memcpy(static_cast<uint8_t *>(entry) + kErrorSourceOffset, &source,
	       sizeof(source));
}

} // namespace ofi_pmem
