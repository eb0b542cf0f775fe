/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Copies between a payload and a region's memory that never tear an aligned
 * 64-bit word: an ordered write is one store, and a snapshot of a line taken
 * while the application stores must hold each word old or new. memcpy(3)
 * promises neither.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ofi_pmem
{

inline constexpr size_t kWord = sizeof(uint64_t);

inline bool is_word_aligned(const void *address) noexcept
{
	return reinterpret_cast<uintptr_t>(address) % kWord == 0;
}

/* Copies into a region; one aligned word as one store. */
inline void copy_in(void *target, const void *source, size_t len) noexcept
{
	if (len != kWord || !is_word_aligned(target)) {
		memcpy(target, source, len);
		return;
	}
	uint64_t word;
	memcpy(&word, source, kWord);
	__atomic_store_n(static_cast<uint64_t *>(target), word,
			 __ATOMIC_RELEASE);
}

/* Copies out of a region, each aligned word of it by one load. */
inline void snapshot(void *target, const void *source, size_t len) noexcept
{
	char *to = static_cast<char *>(target);
	const char *from = static_cast<const char *>(source);
	while (len) {
		if (len < kWord || !is_word_aligned(from)) {
			*to++ = __atomic_load_n(from++, __ATOMIC_RELAXED);
			len--;
			continue;
		}
		uint64_t word = __atomic_load_n(
			reinterpret_cast<const uint64_t *>(from),
			__ATOMIC_ACQUIRE);
		memcpy(to, &word, kWord);
		to += kWord;
		from += kWord;
		len -= kWord;
	}
}

} // namespace ofi_pmem
