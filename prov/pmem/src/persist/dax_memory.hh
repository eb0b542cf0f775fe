/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What memory is behind a device DAX or a block device, as far as sysfs tells.
 * Linux offers NVDIMMs, persistent memory of CXL, virtio-pmem, and volatile
 * memory (of CXL, or reserved by the firmware for a purpose) in the same way;
 * only of some of it a store that was flushed from the caches is durable. What
 * sysfs does not say is not taken for granted.
 *
 * Used by the provider, for regions, and by the tool, to tell of a host.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "persist/backend.hh"

namespace ofi_pmem
{

/* From the best to what is known least of. */
enum class DaxKind : uint8_t {
	persistent,	 /* flushed stores are durable; the domain is known */
	unstated,	 /* nobody says what a power failure leaves */
	host_flush,	 /* durable only after a flush that a host executes */
	read_only,	 /* an NVDIMM that may not keep what is stored */
	volatile_memory, /* ordinary memory */
	none,		 /* no such memory, or sysfs does not know the device */
};

struct DaxMemory {
	DaxKind kind = DaxKind::none;
	/* Of DaxKind::persistent only. */
	std::optional<PersistenceDomain> domain;
};

enum class DaxDevice : uint8_t { character, block };

/*
 * Of a device's directory in sysfs. A volume that the device mapper puts
 * together is what the weakest of its parts is. Throws std::bad_alloc only.
 */
DaxMemory find_dax_memory(const std::string &directory, DaxDevice device);

/* Likewise by the number of a device; the root is a parameter for tests. */
DaxMemory find_dax_memory(dev_t number, DaxDevice device,
			  const std::string &sysfs = "/sys");

/* What the memory is, in words; of DaxKind::persistent and none as well. */
const char *to_string(DaxKind kind) noexcept;

} // namespace ofi_pmem
