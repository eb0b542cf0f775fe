/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The sizes that both ends of a channel agree on (plane/wire.hh has the
 * messages themselves).
 */
#pragma once

#include <cstddef>

namespace ofi_pmem
{

/* Bytes of user data in one request or answer. */
inline constexpr size_t kMaxPayload = 65536;

} // namespace ofi_pmem
