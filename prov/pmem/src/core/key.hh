/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Keys of the inner provider's regions, beside the persistent ones.
 */
#pragma once

#include "shared/key.hh"

#include <cstdint>

namespace ofi_pmem
{

/*
 * Chooses a key for an inner provider that lets its user choose: random, with
 * the marker clear. It is as hard to guess as the token, because both open the
 * same memory. Inner providers number their own registrations from 0 (rxm with
 * the top bit of 32 set) in the same name space. Returns 0 or a negative
 * fi_errno.
 */
[[nodiscard]] int choose_inner_key(uint64_t *key) noexcept;

} // namespace ofi_pmem
