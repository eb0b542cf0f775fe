/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <string_view>

namespace ofi_pmem
{

/*
 * True if a libfabric domain belongs to this device. verbs names its domains
 * that are not for MSG endpoints after the device and their kind: mlx5_0-xrc,
 * mlx5_0-dgram.
 */
inline bool is_of_device(std::string_view domain,
			 std::string_view device) noexcept
{
	return domain.substr(0, device.size()) == device &&
	       (domain.size() == device.size() || domain[device.size()] == '-');
}

} // namespace ofi_pmem
