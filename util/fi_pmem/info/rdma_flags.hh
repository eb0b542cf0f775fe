/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds out what an RDMA device can do for durability, according to its driver
 * (ibv_query_device_ex(3)).
 */
#pragma once

#include <optional>
#include <string>

namespace fi_pmem
{

struct RdmaFlags {
	bool flush_visible = false;    /* IB FLUSH, placement global */
	bool flush_persistent = false; /* IB FLUSH, placement persistent */
	bool atomic_write = false;     /* IB ATOMIC WRITE */
};

/* Returns nothing if the device cannot be asked, or without libibverbs. */
[[nodiscard]] std::optional<RdmaFlags> rdma_flags(const std::string &device);

} // namespace fi_pmem
