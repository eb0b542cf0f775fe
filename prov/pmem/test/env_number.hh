/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Numbers of the environment that choose other runs of a test. */
#pragma once

#include <cstdint>
#include <cstdlib>

namespace ofi_pmem::test
{

inline uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoull(text, nullptr, 0) : otherwise;
}

} // namespace ofi_pmem::test
