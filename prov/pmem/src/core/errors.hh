/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The provider's own error codes. fi_cq_err_entry::prov_errno holds one if an
 * operation on a persistent region fails, and fi_cq_strerror() returns its
 * text. The same codes travel in acknowledgements.
 */
#pragma once

#include <rdma/fi_errno.h>

#include <cstdint>

namespace ofi_pmem
{

/* It fits prov_errno, and is far from errno values and inner codes. */
inline constexpr int kProvErrnoBase = 0x504d0000;

enum class Cause : uint16_t {
	none = 0,
	connection_lost = 1,
	unknown_key = 2,
	out_of_range = 3,
	access_denied = 4,
	store_failed = 5,
	flush_failed = 6,
	region_poisoned = 7,
	earlier_write_failed = 8,
	local_flush_failed = 9,
	remote_cq_data_failed = 10,
	inner_provider = 11,
	local_memory = 13,
	unsupported_atomic = 14,
	unsupported_digest = 15,
	bad_blocks = 16,
	ledger_violated = 20,
	timed_out = 21,
	sealed_otherwise = 22,
	seal_key_used_up = 23,
	seal_key_rejected = 24,
};

/* An error as it travels: a positive fi_errno and our own reason for it. */
struct Failure {
	int err = 0;
	Cause cause = Cause::none;

	explicit operator bool() const noexcept { return err != 0; }
};

/* Nobody registered such a region, or it has been closed. */
inline constexpr Failure kUnknownKey{FI_ENOKEY, Cause::unknown_key};

int prov_errno_of(Cause cause) noexcept;

/* Returns the text for a prov_errno of ours; null if it is not ours. */
const char *cause_text(int prov_errno) noexcept;

} // namespace ofi_pmem
