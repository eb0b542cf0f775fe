/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <cstring>

namespace ofi_pmem
{

/* A C program may store any number, which C++ must not load as an enum. */
template <typename Enum> unsigned number_of(const Enum &value) noexcept
{
	unsigned number = 0;
	static_assert(sizeof(value) == sizeof(number));
	std::memcpy(&number, &value, sizeof(number));
	return number;
}

} // namespace ofi_pmem
