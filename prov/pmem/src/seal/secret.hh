/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The bytes of a region key: in a page of their own that is not swapped out,
 * not dumped, empty in a child of fork(2), and wiped at the end. Any thread may
 * call it: one may remove a key with which another just opens a channel.
 */
#pragma once

#include "core/lock.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

class Secret
{
public:
	static constexpr size_t kMaxLength = 64;

	Secret() = default;
	~Secret() { wipe(); }
	Secret(const Secret &) = delete;
	Secret &operator=(const Secret &) = delete;

	/* Returns 0 or a negative fi_errno. */
	[[nodiscard]] int assign(const uint8_t *bytes, size_t len) noexcept;
	void wipe() noexcept;

	/* 0 after wipe(), and in a child of fork(2). */
	size_t size() const noexcept;
	/* Returns false if it has not just so many bytes. The caller wipes
	 * them. */
	[[nodiscard]] bool copy(uint8_t *bytes, size_t len) const noexcept;
	/* Takes the same time wherever they differ. */
	bool equals(const uint8_t *bytes, size_t len) const noexcept;

private:
	/* The length is there as well, so that a child does not take zeros for
	 * a key. */
	struct Page {
		size_t len;
		uint8_t bytes[kMaxLength];
	};

	mutable Mutex lock_{lock_rank::kSecret};
	Page *page_ PMEM_GUARDED_BY(lock_) = nullptr;
};

} // namespace ofi_pmem
