/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Copies between a payload and a region's memory, and never tears an aligned
 * 64-bit word: an ordered write is one store, and a snapshot of a line taken
 * while the application stores must hold each word old or new. It does not tear
 * an aligned smaller word, which an atomic operation stores, either. memcpy(3)
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

/* Stores a T if `target` is aligned for it; else returns false. */
template <typename T>
bool store_whole(void *target, const void *source) noexcept
{
	if (reinterpret_cast<uintptr_t>(target) % sizeof(T))
		return false;
	T value;
	memcpy(&value, source, sizeof(value));
	__atomic_store_n(static_cast<T *>(target), value, __ATOMIC_RELEASE);
	return true;
}

/* Stores one aligned integer as such; returns false if it is none. */
inline bool store_integer(void *target, const void *source, size_t len) noexcept
{
	switch (len) {
	case sizeof(uint64_t):
		return store_whole<uint64_t>(target, source);
	case sizeof(uint32_t):
		return store_whole<uint32_t>(target, source);
	case sizeof(uint16_t):
		return store_whole<uint16_t>(target, source);
	default:
		return false;
	}
}

/* Copies into a region; stores one aligned integer of any size at once. */
inline void copy_in(void *target, const void *source, size_t len) noexcept
{
	if (!store_integer(target, source, len))
		memcpy(target, source, len);
}

/* Copies out of a region; loads each aligned word at once. */
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
