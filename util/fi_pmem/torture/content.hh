/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The bytes that operations write: each position of each operation of each run
 * has its own, so that a byte shows which operation wrote it.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace fi_pmem
{

/* Spreads the bits of a number over all of another. */
[[nodiscard]] constexpr uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

/* Returns what operation `number` writes from a position of the region on. */
inline void fill_content(uint64_t salt, uint32_t number, uint64_t position,
			 uint8_t *into, size_t bytes)
{
	uint64_t stream = mix(salt ^ mix(number));
	uint64_t word = 0;
	for (size_t i = 0; i < bytes; i++) {
		uint64_t at = position + i;
		if (!i || !(at % 8))
			word = mix(stream + at / 8);
		into[i] = static_cast<uint8_t>(word >> (at % 8 * 8));
	}
}

} // namespace fi_pmem
