/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Structures and tables of libfabric grow at their end. The plug-in may run in
 * a later libfabric than that it was built against: providers there write and
 * read as much of a structure as the API version of their fabric has, and
 * programs call slots that our tables do not have yet.
 */
#pragma once

#include "core/enosys.hh"

#include <rdma/fi_eq.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace ofi_pmem
{

/*
 * A structure that we lend to an inner provider to fill in or to read: as we
 * know it, followed by zeros where a later libfabric has more members.
 */
template <typename Struct> struct Roomy {
	Struct known{};
	uint64_t later[32] = {};
};

/*
 * A table of ours, followed by slots that refuse: inline functions of later
 * headers call some slots without checking the size of the table. C callers
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
 * Programs of this API version have fi_cq_err_entry::src_addr, whether our
 * headers have it or not.
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
