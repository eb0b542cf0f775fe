/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds out which memory is behind a device DAX or a block device, as far as
 * sysfs reports it. Linux offers NVDIMMs, persistent memory of CXL,
 * virtio-pmem, and volatile memory (of CXL, or reserved by the firmware for a
 * purpose) in the same way. Only in some of it a store that was flushed from
 * the caches is durable. What sysfs does not report is not assumed.
 *
 * The provider uses it for regions, and the tool to describe a host. It is the
 * one header of persist/ that others than the provider may include: it needs
 * neither core/ nor a backend.
 */
#pragma once

#include "protocol/region_traits.hh"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace ofi_pmem
{

/* The kinds are in order from the best to the least known. */
enum class DaxKind : uint8_t {
	persistent,	 /* flushed stores are durable; the domain is known */
	unstated,	 /* nobody says what survives a power failure */
	host_flush,	 /* durable only after a flush that a host executes */
	read_only,	 /* an NVDIMM that may not keep what is stored */
	volatile_memory, /* ordinary memory */
	none,		 /* no such memory, or sysfs does not know the device */
};

struct DaxMemory {
	DaxKind kind = DaxKind::none;
	/* It has a value only for DaxKind::persistent. */
	std::optional<PersistenceDomain> domain;
};

enum class DaxDevice : uint8_t { character, block };

/*
 * Examines a device's directory in sysfs. A device-mapper volume counts as the
 * weakest of its parts. Throws only std::bad_alloc.
 */
DaxMemory find_dax_memory(const std::string &directory, DaxDevice device);

/* Examines a device by its number; the root is a parameter for tests. */
DaxMemory find_dax_memory(dev_t number, DaxDevice device,
			  const std::string &sysfs = "/sys");

/* Describes the memory in words, even for DaxKind::persistent and none. */
const char *to_string(DaxKind kind) noexcept;

} // namespace ofi_pmem
