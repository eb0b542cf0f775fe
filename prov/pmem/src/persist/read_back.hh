/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Reads what a region holds, to digest it. Memory may be poisoned, or gone
 * because its file was shrunk, and the process and its signal handlers are the
 * application's. So the kernel copies: its copying from user memory ends with
 * EFAULT where our own load would raise SIGBUS (on x86, since Linux 5.10, also
 * where it meets poison that was unknown).
 */
#pragma once

#include "core/owned_fd.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* One thread at a time may call it. */
class ReadBackBuffer
{
public:
	/* The size of a slice, which fits into a core's own caches. */
	static constexpr size_t kSize = 64 << 10;

	ReadBackBuffer() noexcept = default;
	~ReadBackBuffer();
	ReadBackBuffer(const ReadBackBuffer &) = delete;
	ReadBackBuffer &operator=(const ReadBackBuffer &) = delete;

	/* Called before anything else; calling it again does nothing. Returns 0
	 * or a negative fi_errno. */
	[[nodiscard]] int open() noexcept;

	/* Has kSize bytes. */
	uint8_t *data() const noexcept { return data_; }

	/*
	 * Copies `len` bytes, at most kSize, from memory. Returns -FI_EIO if it
	 * is not readable.
	 */
	[[nodiscard]] int copy_from(const void *memory, size_t len) noexcept;

	/*
	 * Does the same for memory behind the CPU's caches: their lines are
	 * evicted first, and dirty ones written back. Call it only if
	 * can_evict_lines().
	 */
	[[nodiscard]] int copy_evicted(const void *memory, size_t len) noexcept;

private:
	[[nodiscard]] bool readable(const void *memory, size_t len) noexcept;

	OwnedFd fd_;
	uint8_t *data_ = nullptr;
};

/* Returns true if we know this CPU's instructions to evict lines. */
bool can_evict_lines() noexcept;

} // namespace ofi_pmem
