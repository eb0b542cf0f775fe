/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/key.hh"

#include <sys/random.h>

#include <cerrno>

namespace ofi_pmem
{

int choose_inner_key(uint64_t *key) noexcept
{
	if (getrandom(key, sizeof(*key), 0) != sizeof(*key))
		return -errno;
	*key &= ~Key::kMarker;
	return 0;
}

} // namespace ofi_pmem
