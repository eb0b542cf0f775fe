/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Names what both ends of a channel can do. Their greeting negotiates the
 * version that they speak, and each end keeps the features of the channel.
 */
#pragma once

#include "protocol/wire.hh"

#include <algorithm>
#include <cstdint>

namespace ofi_pmem
{

struct Features {
	uint8_t version = 0;
	bool verify = false; /* Verify and Verified */
};

/* Returns those of the newest version that both know. */
constexpr Features common_features(const wire::Hello &hello,
				   const wire::HelloAck &ack) noexcept
{
	uint8_t version = std::min(hello.max_version, ack.max_version);
	Features features;
	features.version = version;
	features.verify = version >= wire::version_of(wire::Type::verify);
	return features;
}

} // namespace ofi_pmem
